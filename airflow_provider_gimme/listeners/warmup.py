"""Do once what every task and every parsing of a file needs: their processes are forks of those that start here.

A task's own process would need half a second of a core to import our modules and to build the models of a workflow,
in each try of each step.
"""

from __future__ import annotations

import logging
from importlib import import_module

from airflow.listeners import hookimpl

from airflow_provider_gimme.steps import step_types

__all__ = ["modules", "on_starting"]

_log = logging.getLogger(__name__)

_SAMPLE = """
name: warmup
schedule: "0 0 * * *"
api_base: http://localhost
auth: {type: bearer, token: "${TOKEN}"}
inputs: {type: object, properties: {count: {type: integer, default: 1}}}
steps:
  - name: first
    endpoint: "/{{ inputs.count }}"
    expect: {success_when: response.body.ok == true}
    payload: {count: "{{ inputs.count + 1 }}", text: "{{ run.id | upper }} and more"}
    response_transform: response.body.items | length
  - {name: second, type: transform, payload: "{{ steps.first }}"}
"""
"""A workflow with what most of them have; it is built and forgotten."""


@hookimpl
def on_starting(component: object) -> None:
    """Get ready where a component of Airflow (scheduler, Dag processor, triggerer) starts, not in a task."""
    if type(component).__name__ != "Job":
        return
    try:
        for name in modules():
            import_module(name)
        from airflow_provider_gimme.build import build_workflow

        build_workflow(_SAMPLE, file="warmup.yaml")
    except Exception:  # noqa: BLE001 - it only saves time; whoever needs the module gets the error
        _log.warning("what tasks need could not be made ready ahead of its use", exc_info=True)


def modules() -> tuple[str, ...]:
    """Return the modules that are needed to build a Dag and to run its tasks."""
    operators = tuple(f"airflow_provider_gimme.steps.{name}.operator" for name in step_types())
    plans = tuple(f"airflow_provider_gimme.steps.{name}.plan" for name in step_types())
    common = ("build.dag", "bundles", "expressions", "http.client", "operators.fanning", "operators.long_run")
    others = ("airflow.providers.http.hooks.http", "jinja2.sandbox", "jsonschema")
    return (*(f"airflow_provider_gimme.{name}" for name in common), *plans, *operators, *others)
