"""The run's conf against the workflow's ``inputs``: what a person gave, what the schema adds, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.plan.json_schema import validator_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

__all__ = ["check_inputs", "effective_inputs"]

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


def check_inputs(schema: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """Check inputs by the whole schema.

    :raises StepError: naming every field that is wrong, and how.
    """
    from referencing.exceptions import Unresolvable

    try:
        found = sorted(validator_of(schema).iter_errors(inputs), key=lambda error: error.json_path)
    except Unresolvable as error:
        raise StepError(
            f"the workflow's inputs refer to {error.ref!r}, which is not in them. Write it under '$defs'."
        ) from None
    if not found:
        return
    lines = [f"- {_describe(error)}" for error in found[:_SHOWN]]
    more = [f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    raise StepError(
        "\n".join(["the run's conf does not fit the workflow's inputs. Start a run with another conf.", *lines, *more])
    )


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
