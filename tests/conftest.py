"""What every test stands on: an Airflow home of its own, and servers that are there or named as missing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings


def _make_airflow_home() -> str:
    """Point Airflow at an empty folder; this must happen before anything imports Airflow."""
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "GIMME_ENV"))]:
        del os.environ[name]
    home = tempfile.mkdtemp(prefix="gimme-airflow-home-")
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = f"{home}/dags"
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = f"{home}/plugins"
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
    os.environ["AIRFLOW__LOGGING__NAMESPACE_LEVELS"] = "airflow.task.operators.airflow_provider_gimme=INFO"
    return home


E2E = Path(__file__).parent / "e2e"
AIRFLOW_HOME = _make_airflow_home()

# Speed differs from machine to machine; a test that is too slow is stopped by its own time limit.
settings.register_profile("gimme", deadline=None, max_examples=50)
settings.load_profile("gimme")


BREAKING = ("test_jobs", "test_bundle", "test_crashes", "test_size", "test_harness")
"""The modules that break or burden their Airflow; they have one to themselves, one module after the other."""
_SLOW = (
    "test_compensation",
    "test_kam",
    "test_memmie",
    "test_derivativ",
    "test_waiting",
    "test_demo",
)
_ORDER = (*BREAKING, *_SLOW)
"""The end-to-end modules that take longest, which begin first; a process takes its next module two tests ahead."""


def process_of(nodeid: str) -> str:
    """Return what must stay in one process: ``breaking`` for all tests that break their Airflow, else the module."""
    path = Path(nodeid.partition("::")[0])
    return "breaking" if path.parent.name == E2E.name and path.stem in BREAKING else str(path)


def _turn(path: Path) -> int:
    if E2E not in path.parents:
        return len(_ORDER) + 1
    return _ORDER.index(path.stem) if path.stem in _ORDER else len(_ORDER)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the end-to-end tests and put them first: with several processes, the longest must not begin last."""
    for item in items:
        if E2E in item.path.parents:
            item.add_marker(pytest.mark.e2e)
    items.sort(key=lambda item: _turn(item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Hand whole modules to the processes of pytest-xdist, in order; those that break their Airflow to one of them."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return process_of(nodeid)

    config.option.loadscopereorder = False
    return Scheduler(config, log)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)


Need = Callable[[str, object], None]
"""Takes the name of a program or a server that a test needs, and whether it is there (any value, by its truth)."""


@pytest.fixture(scope="session")
def need() -> Need:
    """Skip the test by the name of what is missing, or fail it where everything has to be there (``GIMME_CI``)."""

    def _need(name: str, present: object) -> None:
        if present:
            return
        if os.environ.get("GIMME_CI"):
            pytest.fail(f"{name} is missing, and GIMME_CI wants everything to be there", pytrace=False)
        pytest.skip(f"{name} is missing")

    return _need
