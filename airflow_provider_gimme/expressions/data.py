"""Values as text and as JSON: the two forms in which they leave an expression."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.limits import CURRENT, Evaluation, made
from airflow_provider_gimme.expressions.saved import SavedItems
from airflow_provider_gimme.expressions.scope import GroupResult

__all__ = ["JsonText", "kind_of", "to_json", "to_json_text", "to_text"]

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "text"),
    (Mapping, "an object"),
    ((list, tuple, GroupResult, SavedItems), "a list"),
    ((date, datetime), "a date"),
)


_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_DEEPEST = 200
_ATOMS = frozenset({str, int, bool, type(None)})


class JsonText(str):
    """Text that is JSON already: what ``tojson`` yields."""

    __slots__ = ()


def kind_of(value: object) -> str:
    """Name the kind of a value for a message: ``text``, ``a number``, ``null``."""
    if value is None:
        return "null"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return f"a {type(value).__name__}"


def to_text(value: object) -> str:
    """Return a value as text: text as it is, a date in ISO 8601, everything else as JSON writes it.

    :raises ExpressionError: where the value cannot be written.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    return to_json_text(value)


def to_json_text(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON text.

    :raises ExpressionError: where JSON has no such value.
    """
    if type(value) in _ATOMS:
        text = _ENCODE(value)
    elif indent is None:
        text = _ENCODE(to_json(value))
    else:
        text = json.dumps(to_json(value), ensure_ascii=False, indent=indent)
    made(len(text))
    return text


def to_json(value: object) -> Any:
    """Return a value as plain JSON data: dicts, lists, text, numbers, booleans and null of their own.

    A date becomes text in ISO 8601, a saved list its reference; anything else that can be iterated becomes a list.

    :raises ExpressionError: where JSON has no such value, or it is too large.
    """
    return _Plain(CURRENT.get()).of(value, 0)


class _Plain:
    """One conversion, with what it has used."""

    __slots__ = ("evaluation", "size")

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.size = 0

    def of(self, value: object, depth: int) -> Any:
        """Return the plain form of a value that lies ``depth`` deep."""
        if isinstance(value, str):
            self._use(len(value))
            return str(value)
        if value is None or isinstance(value, bool):
            self._use(4)
            return value
        if isinstance(value, int | float):
            self._use(4)
            return _number(value)
        if depth > _DEEPEST:
            raise ExpressionError(f"the value is nested more than {_DEEPEST} deep, or contains itself")
        if isinstance(value, Mapping):
            return self._members(value, depth)
        if isinstance(value, SavedItems):
            return self._members(value.reference, depth)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Iterable) and not isinstance(value, bytes):
            return self._items(value, depth)
        raise ExpressionError(f"{kind_of(value)} is not a JSON value")

    def _members(self, values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        members = {}
        for key, value in values.items():
            name = to_text(key)
            self._use(len(name))
            members[name] = self.of(value, depth + 1)
        return members

    def _items(self, values: Iterable[object], depth: int) -> list[Any]:
        items = []
        for value in values:
            self._use(1)
            items.append(self.of(value, depth + 1))
        return items

    def _use(self, size: int) -> None:
        self.size += size
        if self.size > self.evaluation.limits.output_bytes:
            raise self.evaluation.too_large()
        self.evaluation.tick()


def _number(value: float) -> int | float:
    if isinstance(value, int):
        return int(value)
    if not math.isfinite(value):
        raise ExpressionError(f"{value} is not a JSON value")
    return float(value)
