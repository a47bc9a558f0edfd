"""The demonstration runs from start to end and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import Need

_REPOSITORY = Path(__file__).parents[2]
_WORKFLOW = _REPOSITORY / "workflow_configs" / "derivativ_daily.yaml"


_HOME = str(_REPOSITORY / ".demo" / "airflow")


def _left() -> list[str]:
    """Return the commands of all processes that belong to the demo's Airflow, whoever their parent is."""
    return [
        " ".join(each.cmdline()) for each in psutil.process_iter() if _environment(each).get("AIRFLOW_HOME") == _HOME
    ]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:  # it has just ended, or is somebody else's
        return {}


@pytest.mark.timeout(120)
def test_a_ctrl_c_ends_all_that_the_demo_has_started(need: Need) -> None:
    """Also while Airflow starts; the exit status says so, and no process of its Airflow or its stand-in is left."""
    need(f"workflow_configs/{_WORKFLOW.name}", _WORKFLOW.exists())
    command = [sys.executable, "-m", "demo"]
    with subprocess.Popen(
        command, cwd=_REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        while not any("airflow scheduler" in command for command in _left()):
            assert demo.poll() is None
            time.sleep(0.2)
        children = psutil.Process(demo.pid).children(recursive=True)
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does
        told = list(demo.stdout)
        assert demo.wait(60) == 130, "".join(told)
    assert "everything that was started has ended" in told[-1]
    assert _left() == []
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.timeout(240)
def test_the_demo_runs_to_its_end(need: Need) -> None:
    """It ends with status 0 within three minutes, having met retries, stored three documents and named the next run."""
    need(f"workflow_configs/{_WORKFLOW.name}", _WORKFLOW.exists())
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--exit"],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert _left() == []
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert any(re.fullmatch(r"run success after .* s", row) for row in rows)
    assert any(re.fullmatch(r"retries met [3-9]", row) for row in rows)
    assert "questions 48" in rows
    assert sum("doc-" in row and "student (" in row and "teacher (" in row for row in rows) == 3
    assert any(re.fullmatch(r"next run .*, 02:00 in Singapore \(18:00 UTC\)", row) for row in rows)
