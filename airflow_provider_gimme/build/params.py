"""From a workflow's ``inputs`` to Airflow's params, of which the UI draws its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from airflow_provider_gimme.plan.json_schema import validator_of

__all__ = ["build_params"]

_DEFINITIONS = "#/$defs/"


def build_params(schema: Mapping[str, Any] | None) -> dict[str, Param]:
    """Return a param for each property of a schema.

    Airflow checks each by itself, so references to ``$defs`` get these definitions, and a property with any other
    reference is left to the task ``inputs``, which checks the whole schema. A property that is required and has no
    default must be given; any other may be left empty, which Airflow knows as null.
    """
    if schema is None:
        return {}
    required = set(schema.get("required", ()))
    properties = schema.get("properties", {})
    return {name: _param(name, part, schema, required=name in required) for name, part in properties.items()}


def _param(name: str, written: Any, whole: Mapping[str, Any], *, required: bool) -> Param:
    part = _alone(dict(written) if isinstance(written, Mapping) else {}, whole)
    description = part.pop("description", None)
    part.setdefault("title", name)
    if "default" in part:
        return Param(part.pop("default"), description, schema=part)
    if required:
        return Param(description=description, schema=part)
    return Param(None, description, schema=_or_null(part))


def _alone(part: dict[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return a property's schema so that it can be checked without the rest of the schema."""
    references = set(_references(part))
    if not references:
        return part
    if all(reference.startswith(_DEFINITIONS) for reference in references | set(_references(whole.get("$defs", {})))):
        return {**part, "$defs": whole.get("$defs", {})}
    return {key: part[key] for key in ("title", "description", "default", "type") if key in part}


def _references(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [str(value[key]) for key in ("$ref", "$dynamicRef") if key in value]
        return own + [found for item in value.values() for found in _references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    return []


def _or_null(part: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that also takes null, in the form that the UI draws best."""
    loose = dict(part)
    types = loose.get("type")
    if types is not None:
        each = [types] if isinstance(types, str) else list(types)
        loose["type"] = [*each, *(["null"] if "null" not in each else [])]
    if "enum" in loose and None not in loose["enum"]:
        loose["enum"] = [*loose["enum"], None]
    if validator_of(loose).is_valid(None):
        return loose
    outer: dict[str, Any] = {key: part[key] for key in ("title", "$defs") if key in part}
    return {**outer, "anyOf": [{key: part[key] for key in part if key not in outer}, {"type": "null"}]}
