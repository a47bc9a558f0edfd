"""Import once what every task and every parsing of a file needs: their processes are forks of those that start here.

A task's own process would need half a second of a core for it, in each try of each step.
"""

from __future__ import annotations

import logging
from importlib import import_module

from airflow.listeners import hookimpl

from airflow_provider_gimme.steps import step_types

__all__ = ["modules", "on_starting"]

_log = logging.getLogger(__name__)


@hookimpl
def on_starting(component: object) -> None:
    """Import our modules where a component of Airflow (scheduler, Dag processor, triggerer) starts, not in a task."""
    if type(component).__name__ != "Job":
        return
    try:
        for name in modules():
            import_module(name)
    except Exception:  # noqa: BLE001 - it only saves time; whoever needs the module gets the error
        _log.warning("modules could not be imported ahead of their use", exc_info=True)


def modules() -> tuple[str, ...]:
    """Return the modules that are needed to build a Dag and to run its tasks."""
    operators = tuple(f"airflow_provider_gimme.steps.{name}.operator" for name in step_types())
    plans = tuple(f"airflow_provider_gimme.steps.{name}.plan" for name in step_types())
    common = ("build.dag", "expressions", "http.client", "operators.long_run")
    return (*(f"airflow_provider_gimme.{name}" for name in common), *plans, *operators, "jinja2.sandbox", "jsonschema")
