"""What can still be read of a workflow of which some steps are wrong."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from airflow_provider_gimme.config import Workflow
from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE, step_config
from airflow_provider_gimme.loading.nodes import Mapping, plain
from airflow_provider_gimme.steps import step_types

__all__ = ["without_wrong_steps"]

_KEPT = ("id", "name", "parallel_group", "output_key")
"""What others may know a step by."""


def without_wrong_steps(root: Mapping) -> Workflow | None:
    """Return the workflow in which each wrong step does nothing; None where not only steps are wrong.

    Such a step keeps its names, so that the expressions of the others can be checked.
    """
    document = plain(root)
    steps = document.get("steps")
    if not isinstance(steps, list):
        return None
    try:
        return Workflow.model_validate({**document, "steps": [_harmless(step) for step in steps]})
    except ValidationError:
        return None


def _harmless(step: Any) -> Any:
    if not isinstance(step, dict):
        return step
    step_type = step.get("type", DEFAULT_STEP_TYPE)
    try:
        if step_type in step_types():
            step_config(step_type).model_validate(step)
            return step
    except ValidationError:
        pass
    return {"type": "transform", "payload": None, **{key: step[key] for key in _KEPT if key in step}}
