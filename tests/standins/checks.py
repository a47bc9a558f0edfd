"""Checks of a request's body; every problem of a body is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from tests.standins.exchange import Refusal

__all__ = [
    "Check",
    "a_boolean",
    "a_number",
    "a_text",
    "an_integer",
    "an_object",
    "any_text",
    "check",
    "list_of",
    "one_of",
]

Check = Callable[[Any], str | None]
"""Takes a value and returns what is wrong with it, or None."""


def check(body: Mapping[str, Any], required: Mapping[str, Check], optional: Mapping[str, Check]) -> None:
    """Let a body pass that has the required members, maybe the optional ones, and no others.

    :raises Refusal: 422 that lists ``{field, message}`` for everything that is wrong.
    """
    checks = {**required, **optional}
    problems = {name: "is required" for name in required if name not in body}
    for name, value in body.items():
        problem = checks[name](value) if name in checks else f"is unknown; there are {', '.join(sorted(checks))}"
        if problem:
            problems[name] = problem
    if problems:
        details = [{"field": name, "message": message} for name, message in problems.items()]
        first = details[0]
        raise Refusal(422, "invalid_request", f"{first['field']} {first['message']}", details=details)


def a_text(value: Any) -> str | None:
    """Want text that is not empty."""
    return None if isinstance(value, str) and value else f"must be text that is not empty, not {value!r}"


def any_text(value: Any) -> str | None:
    """Want text, which may be empty."""
    return None if isinstance(value, str) else f"must be text, not {value!r}"


def an_object(value: Any) -> str | None:
    """Want an object."""
    return None if isinstance(value, dict) else f"must be an object, not {value!r}"


def a_boolean(value: Any) -> str | None:
    """Want true or false."""
    return None if isinstance(value, bool) else f"must be true or false, not {value!r}"


def an_integer(least: int, most: int) -> Check:
    """Want an integer from ``least`` to ``most``."""

    def _check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be an integer from {least} to {most}, not {value!r}"

    return _check


def a_number(least: float, most: float) -> Check:
    """Want a number from ``least`` to ``most``."""

    def _check(value: Any) -> str | None:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be a number from {least} to {most}, not {value!r}"

    return _check


def one_of(values: Collection[str]) -> Check:
    """Want one of some texts."""

    def _check(value: Any) -> str | None:
        fits = isinstance(value, str) and value in values
        return None if fits else f"must be one of {', '.join(values)}, not {value!r}"

    return _check


def list_of(item: Check, *, empty: bool = False) -> Check:
    """Want a list whose items all pass a check."""

    def _check(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"must be a list, not {value!r}"
        if not value and not empty:
            return "must not be an empty list"
        return next((f"[{index}] {problem}" for index, each in enumerate(value) if (problem := item(each))), None)

    return _check
