"""The parts of the demonstration in the order in which they are started, and in reverse when they are ended."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.environment import WORKFLOW_BUNDLE, Bundle
from demo.errors import DemoError
from demo.instance import AirflowInstance
from tests.standins import StandIn

__all__ = ["DAG_ID", "airflow_of_the_demo", "fresh_home", "workflow_file"]

DAG_ID = "derivativ_daily"
"""The workflow that is run, and the name of its file."""

_REPOSITORY = Path(__file__).parents[1]
_ADDRESS = re.compile(r"\$\{DERIVATIV_API_BASE(:-[^}]*)?\}")


def workflow_file(repository: Path = _REPOSITORY) -> Path:
    """Return the file of the workflow; DemoError where it is missing or would call the real API."""
    path = repository / "workflow_configs" / f"{DAG_ID}.yaml"
    if not path.is_file():
        raise DemoError(f"{path} is missing; it is the workflow that the demo runs")
    bases = [line for line in path.read_text().splitlines() if line.lstrip().startswith("api_base:")]
    if not bases or not all(_ADDRESS.search(line) for line in bases):
        raise DemoError(f"{path}: `api_base` must read ${{DERIVATIV_API_BASE}}, or the demo would call the real API")
    return path


@contextmanager
def fresh_home(repository: Path = _REPOSITORY) -> Iterator[Path]:
    """Give the empty folder ``.demo/airflow``, held against a second demo until the end; its files stay for a look."""
    folder = repository / ".demo"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"another demo runs in {repository}: end it with Ctrl-C in its terminal") from None
        home = folder / "airflow"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        yield home


def airflow_of_the_demo(home: Path, standin: StandIn) -> AirflowInstance:
    """Return an Airflow, not yet started, whose bundle is the folder of workflows and whose API is the stand-in."""
    folder = str(_REPOSITORY / "workflow_configs")
    return AirflowInstance(
        home,
        bundles=[Bundle("workflows", WORKFLOW_BUNDLE, {"path": folder, "refresh_interval": 2})],
        plugins_folder=_REPOSITORY / "plugins",
        env={**_terminal(), **standin.environment},
        parallelism=8,
    )


def _terminal() -> dict[str, str]:
    """Let colours be, whatever the terminal: the components write to files."""
    return {} if "NO_COLOR" in os.environ else {"NO_COLOR": "1"}
