"""Data against schemas: the run's conf (what a person gave, what the schema adds, what is wrong), and its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.plan.json_schema import validator_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

__all__ = ["check_inputs", "check_result", "effective_inputs"]

_SHOWN = 20
_LONGEST = 200


def effective_inputs(schema: Mapping[str, Any] | None, conf: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a run: the conf with the defaults of the schema's properties for what it leaves out.

    Airflow's form sends null for what a person leaves empty; where the schema does not know null, that is no value.
    """
    if schema is None:
        return dict(conf)
    properties = schema.get("properties", {})
    given = {name: value for name, value in conf.items() if not _is_left_empty(schema, name, value)}
    defaults = {
        name: part["default"] for name, part in properties.items() if isinstance(part, Mapping) and "default" in part
    }
    return {**defaults, **given}


def check_inputs(schema: Mapping[str, Any], inputs: Mapping[str, Any], name: str | None = None) -> None:
    """Check inputs by the whole schema; ``name`` is what that is called, where it stands in a file of its own.

    :raises StepError: naming every field that is wrong, and how.
    """
    of = "the workflow's inputs" if name is None else f"the schema '{name}' of the workflow's inputs"
    if lines := _faults(schema, inputs, of):
        raise StepError("\n".join([f"the run's conf does not fit {of}. Start a run with another conf.", *lines]))


def check_result(schema: Mapping[str, Any], name: str, result: Any) -> None:
    """Check the result of a workflow by its schema, which is called ``name``.

    :raises StepError: naming every place that is wrong, and how.
    """
    of = f"the schema '{name}'"
    if lines := _faults(schema, result, of):
        raise StepError("\n".join([f"the workflow's result does not fit {of} ('output_schema_id').", *lines]))


def _faults(schema: Mapping[str, Any], value: Any, of: str) -> list[str]:
    """Return a line for each place at which a value does not fit; of very many, the first."""
    from referencing.exceptions import Unresolvable

    try:
        found = sorted(validator_of(schema).iter_errors(value), key=lambda error: error.json_path)
    except Unresolvable as error:
        raise StepError(f"nothing is fetched for {of}: {error.ref!r} is not there. Write it under '$defs'.") from None
    more = [f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [*(f"- {_describe(error)}" for error in found[:_SHOWN]), *more]


def _is_left_empty(schema: Mapping[str, Any], name: str, value: Any) -> bool:
    if value is not None or name in schema.get("required", ()):
        return False
    part = schema.get("properties", {}).get(name)
    if part is None:
        return False
    return not validator_of(schema).evolve(schema=part).is_valid(None)


def _describe(error: ValidationError) -> str:
    field = error.json_path.removeprefix("$").removeprefix(".")
    message = error.message if len(error.message) <= _LONGEST else f"{error.message[:_LONGEST]}…"
    return f"'{field}': {message}" if field else message
