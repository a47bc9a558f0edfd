"""JSON Schemas of a file, as validators: of a run's inputs, of an answer's body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

__all__ = ["validator_of"]


def validator_of(schema: Mapping[str, Any]) -> Draft202012Validator:
    """Return a validator of JSON Schema 2020-12 that checks formats and fetches nothing from elsewhere."""
    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry

    registry: Registry[Any] = Registry()
    return Draft202012Validator(schema, format_checker=FormatChecker(), registry=registry)
