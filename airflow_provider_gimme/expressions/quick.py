"""Evaluation that needs no limits, since nothing in it can grow: of constants, members, comparisons, small structures.

What is evaluated this way is done within microseconds, and leaves everything else, errors first, to the slower way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions.scope import Scope

__all__ = [
    "MISSING",
    "Quick",
    "constant_quick",
    "quick_condition",
    "quick_json",
    "quick_list",
    "quick_members",
    "quick_text",
]

MISSING = object()
"""Stands for no value: there is no such member, or only the slower way can tell."""

Quick: TypeAlias = Callable[["Scope"], Any]
"""Gives the value of an expression over a scope, and raises nothing. ``MISSING``: evaluate it the slower way."""

_ATOMS = frozenset({int, bool, type(None)})
_LONG = 5_000
"""Characters of a text, and members of a value, beyond which the slower way counts what is used."""
_MANY = 2_000
_DEEP = 20
"""How many members a level counts for: no value is deeper than a hundred levels."""


def constant_quick(value: Any) -> Quick:
    """Return what gives a constant."""
    return lambda _scope: value


def quick_members(quicks: Mapping[str, Quick | None]) -> Quick | None:
    """Return what gives an object of copies of small, plain values, None where one of them needs the slower way."""
    found = [(name, quick) for name, quick in quicks.items() if quick is not None]
    if len(found) < len(quicks):
        return None

    def members(scope: Scope) -> Any:
        result = {}
        for name, quick in found:
            value = quick(scope)
            kind = type(value)
            if kind in _ATOMS or (kind is str and len(value) <= _LONG):
                result[name] = value
            elif (copy := _copied(value)) is MISSING:
                return MISSING
            else:
                result[name] = copy
        return result

    return members


def quick_list(quicks: Sequence[Quick | None]) -> Quick | None:
    """Return what gives a list of copies of small, plain values, None where one of them needs the slower way."""
    found = [quick for quick in quicks if quick is not None]
    if len(found) < len(quicks):
        return None

    def values(scope: Scope) -> Any:
        result = [_copied(quick(scope)) for quick in found]
        return MISSING if any(value is MISSING for value in result) else result

    return values


def quick_condition(quick: Quick | None) -> Quick | None:
    """Return what gives the value only where it is true or false."""
    if quick is None:
        return None

    def condition(scope: Scope) -> Any:
        value = quick(scope)
        return value if value is True or value is False else MISSING

    return condition


def quick_text(quick: Quick | None) -> Quick | None:
    """Return what gives the value only where it is text."""
    if quick is None:
        return None

    def text(scope: Scope) -> Any:
        value = quick(scope)
        return value if type(value) is str else MISSING

    return text


def quick_json(quick: Quick | None) -> Quick | None:
    """Return what gives a copy of the value where that is small, plain JSON data."""
    if quick is None:
        return None

    return lambda scope: _copied(quick(scope))


def _copied(value: Any) -> Any:
    try:
        return _copy(value, [_MANY])
    except _NotQuickError:
        return MISSING


class _NotQuickError(Exception):
    """Tells that a value is large, or not plain."""


def _copy(value: Any, room: list[int]) -> Any:
    kind = type(value)
    if kind in _ATOMS or (kind is str and len(value) <= _LONG) or (kind is float and math.isfinite(value)):
        return value
    if kind is not dict and kind is not list:
        raise _NotQuickError
    room[0] -= len(value) + _DEEP
    if room[0] < 0:
        raise _NotQuickError
    if kind is list:
        return [each if type(each) in _ATOMS else _copy(each, room) for each in value]
    for name in value:
        if type(name) is not str:
            raise _NotQuickError
    return {name: each if type(each) in _ATOMS else _copy(each, room) for name, each in value.items()}
