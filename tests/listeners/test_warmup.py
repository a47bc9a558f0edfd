"""Modules that every task needs are imported once, in the processes that tasks are forks of."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from airflow_provider_gimme.listeners.warmup import modules, on_starting

class {name}:
    pass

on_starting({name}())
print(all(module in sys.modules for module in modules()))
"""


@pytest.mark.parametrize("name,loaded", [("Job", "True"), ("TaskRunnerMarker", "False")])
def test_components_import_ahead_and_tasks_do_not(name: str, loaded: str) -> None:
    """A component of Airflow has the modules when it has started; a task imports what it needs itself."""
    command = [sys.executable, "-c", PROGRAM.format(name=name)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.split()[-1] == loaded
