"""Running Airflows for all end-to-end tests: scheduler, Dag processor, API server and triggerer.

A test drops a file into `dags` or `workflows` and waits for its Dag; names must differ from test to test. Every test
below this folder may take three minutes, unless it says otherwise.
"""

from __future__ import annotations

import fcntl
import os
import pickle
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

import pytest

from demo.environment import LOCAL_BUNDLE, WORKFLOW_BUNDLE, Bundle
from demo.instance import AirflowInstance
from tests.conftest import BREAKING

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]

API_KEY = "e2e-Key/with+odd=characters-7Qx"
"""The API key of every workflow of these tests; it must be found nowhere."""

BREAKABLE = "breaking"
"""The name of the Airflow of the modules that break theirs; the others share one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(180))


class Airflows:
    """The Airflows of these tests by name, each started by the process that is the first to ask for it.

    Processes that test side by side share a folder. In it each name has a file that whoever uses that Airflow holds a
    lock on; who has started it ends it, when nobody else holds one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: dict[str, AirflowInstance] = {}
        self._stack = ExitStack()

    def get(self, name: str) -> AirflowInstance:
        """Return the Airflow, which runs."""
        if name not in self._used:
            self._used[name] = self._join(name)
        return self._used[name]

    def _join(self, name: str) -> AirflowInstance:
        users = self._stack.enter_context((self._folder / f"{name}.users").open("w"))
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            shared = self._folder / f"{name}.pickle"
            if shared.exists():
                return cast("AirflowInstance", pickle.loads(shared.read_bytes()))  # noqa: S301 - our own
            instance = _make(self._folder / name)
            self._stack.callback(self._end, instance, users, shared)
            instance.start()
            shared.write_bytes(pickle.dumps(instance))
            return instance

    def _end(self, instance: AirflowInstance, users: IO[str], shared: Path) -> None:
        """Wait for those who use it, and end it; who comes later starts another one."""
        fcntl.flock(users, fcntl.LOCK_EX)
        shared.unlink(missing_ok=True)
        instance.stop()

    def close(self) -> None:
        """Let all go."""
        self._stack.close()


_AIRFLOWS = pytest.StashKey[Airflows]()


def _make(folder: Path) -> AirflowInstance:
    """Make an Airflow with two bundles: the folder ``dags`` of Python files and the folder ``workflows``."""
    for name in ("dags", "workflows"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    bundles = [
        Bundle("dags", LOCAL_BUNDLE, {"path": str(folder / "dags"), "refresh_interval": 1}),
        Bundle("workflows", WORKFLOW_BUNDLE, {"path": str(folder / "workflows"), "refresh_interval": 1}),
    ]
    return AirflowInstance(
        folder / "home",
        bundles=bundles,
        plugins_folder=_REPOSITORY / "plugins",
        env={
            "DERIVATIV_API_KEY": API_KEY,
            "AIRFLOW__GIMME__ALLOWED_OPERATORS": "airflow.providers.standard.*",
            "AIRFLOW_CONN_FS_DEFAULT": "fs:///",
            # most of what an Airflow takes that has nothing to do is the scheduler's looking around; but with a
            # second, a task that leaves its worker for less than that is taken for failed, and tried again
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        },
    )


@pytest.fixture(scope="session")
def airflows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Airflows:
    """Give the Airflows of all processes that test."""
    folder = tmp_path_factory.getbasetemp()
    made = Airflows(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
    request.session.stash[_AIRFLOWS] = made
    return made


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the Airflows go; not in a fixture, as the time that others still need would count as that of a test."""
    if _AIRFLOWS in session.stash:
        session.stash[_AIRFLOWS].close()


@pytest.fixture(scope="module")
def airflow(airflows: Airflows, request: pytest.FixtureRequest) -> AirflowInstance:
    """Give the running Airflow that the tests of this module share with others; who breaks a component mends it."""
    return airflows.get(BREAKABLE if request.node.path.stem in BREAKING else "shared")


@pytest.fixture(scope="module")
def dags(airflow: AirflowInstance) -> Path:
    """Give the folder of the Airflow's ordinary bundle ``dags``: Python files."""
    return airflow.home.parent / "dags"


@pytest.fixture(scope="module")
def workflows(airflow: AirflowInstance) -> Path:
    """Give the folder of the Airflow's bundle ``workflows``: workflow files."""
    return airflow.home.parent / "workflows"
