"""What every task needs is made ready once, in the processes that tasks are forks of."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from airflow_provider_gimme.config import Workflow
from airflow_provider_gimme.listeners.warmup import modules, on_starting

class {name}:
    pass

on_starting({name}())
print(all(module in sys.modules for module in modules()), Workflow.__pydantic_complete__)
"""

LATER = """
import sys
from airflow_provider_gimme.listeners.warmup import on_starting

class Job:
    pass

on_starting(Job())
known = set(sys.modules)
from airflow_provider_gimme.build import build_workflow
text = '''
name: another
api_base: http://localhost
steps:
  - {name: list, endpoint: /, response_transform: response.body.items}
  - {name: each, endpoint: "/{{ item.id }}", for_each: steps.list, payload: {number: "{{ index + 1 }}"}}
'''
build_workflow(text, file="another.yaml")
print(set(sys.modules) - known)
"""


def _said(program: str) -> str:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()[-1]


@pytest.mark.parametrize("name,ready", [("Job", "True True"), ("TaskRunnerMarker", "False False")])
def test_components_get_ready_ahead_and_tasks_do_not(name: str, ready: str) -> None:
    """A component of Airflow has the modules and the models when it has started; a task makes what it needs itself."""
    assert _said(PROGRAM.format(name=name)) == ready


def test_a_task_imports_nothing_more() -> None:
    """What comes after, a workflow read and its Dag built, finds all modules there."""
    assert _said(LATER) == "set()"
