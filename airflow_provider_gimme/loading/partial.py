"""What can still be read of a workflow of which some parts are wrong."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from airflow_provider_gimme.config import Workflow
from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE, step_config
from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.loading.nodes import Mapping, plain
from airflow_provider_gimme.loading.wording import meant_key
from airflow_provider_gimme.steps import step_types

__all__ = ["without_wrong_parts"]

_KEPT = ("id", "name", "parallel_group", "output_key", "depends_on")
"""What others may know a step by, and what it waits for."""

_NEEDED = ("steps", "variables", "inputs", "state", "services")
"""What expressions name: where such a key is wrong they cannot be judged."""

_BASE = "${BASE}"
"""A base that is only known when a call is made."""


def without_wrong_parts(root: Mapping) -> Workflow | None:
    """Return the workflow in which wrong keys are left out and each wrong step does nothing; None if that cannot be.

    Such a step keeps its names, so that the expressions of the others can be checked.
    """
    document = plain(root)
    steps = document.get("steps")
    if not isinstance(steps, list):
        return None
    document = {**document, "steps": [_harmless(step) for step in steps]}
    if any(isinstance(step, dict) and {"depends_on", "parallel_group"} & step.keys() for step in steps):
        document.setdefault("order", "graph")
    try:
        return Workflow.model_validate(document)
    except ValidationError as invalid:
        wrong = {str(error["loc"][0]) for error in invalid.errors(include_url=False, include_input=False)}
    return None if any(_is_needed(key) for key in wrong) else _without(document, wrong)


def _is_needed(key: str) -> bool:
    """Tell whether expressions may need a key, or the one that was meant by it."""
    return meant_key(key, _NEEDED) is not None or bool(did_you_mean(key, _NEEDED))


def _without(document: dict[str, Any], wrong: Collection[str]) -> Workflow | None:
    right = {key: value for key, value in document.items() if key not in wrong}
    if not {"api_base", "connection"} & right.keys():
        right["api_base"] = _BASE
    try:
        return Workflow.model_validate(right)
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
    return _without_wrong_keys(
        {"type": "transform", "payload": None, **{key: step[key] for key in _KEPT if key in step}}
    )


def _without_wrong_keys(step: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is wrong of a step but its name: without that, nobody knows which step others mean."""
    try:
        step_config(step["type"]).model_validate(step)
    except ValidationError as invalid:
        wrong = {error["loc"][0] for error in invalid.errors(include_url=False, include_input=False) if error["loc"]}
        return {key: value for key, value in step.items() if key not in wrong - {"id", "name"}}
    return step
