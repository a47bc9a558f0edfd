"""Operators with bounds: no ``*``, ``**``, ``+`` or ``%`` can use up the memory or the time."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import kind_of, to_text
from airflow_provider_gimme.expressions.limits import CURRENT, made, tick

__all__ = ["OPERATORS", "format_bounded", "join_texts", "operate", "range_bounded"]

_MOST_BITS = 8192
_MOST_WIDTH = 1000
_FORMAT_WIDTH = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d+)?(?:\.(\*|\d+))?")


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        made(len(left) + len(right))
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        _check_items(len(left) + len(right))
    return left + right


def _multiply(left: Any, right: Any) -> Any:
    for value, times in ((left, right), (right, left)):
        if isinstance(value, str) and isinstance(times, int):
            made(len(value) * max(times, 0))
        elif isinstance(value, list | tuple) and isinstance(times, int):
            _check_items(len(value) * max(times, 0))
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _MOST_BITS:
        raise ExpressionError("the product is too large a number")
    return left * right


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * max(right, 0) > _MOST_BITS:
        raise ExpressionError("the power is too large a number")
    return left**right


def _remainder(left: Any, right: Any) -> Any:
    return format_bounded(left, right) if isinstance(left, str) else left % right


def _check_items(count: int) -> None:
    if count > CURRENT.get().limits.items:
        raise ExpressionError(f"the list has more than {CURRENT.get().limits.items:,} items")
    made(count * 8)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": operator.sub,
    "*": _multiply,
    "/": operator.truediv,
    "//": operator.floordiv,
    "**": _power,
    "%": _remainder,
}
"""What each operator does; the keys are all there are."""


def operate(sign: str, left: Any, right: Any) -> Any:
    """Return ``left sign right``.

    :raises ExpressionError: where the two do not go together, or the result is too large.
    """
    try:
        return OPERATORS[sign](left, right)
    except ZeroDivisionError:
        raise ExpressionError("division by zero") from None
    except TypeError:
        hint = " Write `~` between texts." if sign == "+" else ""
        raise ExpressionError(f"{kind_of(left)} {sign} {kind_of(right)} has no meaning.{hint}") from None


def format_bounded(text: str, values: Any) -> str:
    """Fill ``%s``, ``%05d`` and the like into a text; a width or a precision is at most 1,000.

    :raises ExpressionError: where one is more, or ``*``.
    """
    for match in _FORMAT_WIDTH.finditer(text):
        for width in match.groups():
            if width is not None and (width == "*" or int(width) > _MOST_WIDTH):
                raise ExpressionError(f"a width in a format is a number up to {_MOST_WIDTH:,}")
    result: str = text % values
    made(len(result))
    return result


def join_texts(*values: object) -> str:
    """Return the texts of all values, one after the other: what ``~`` does."""
    texts = [to_text(value) for value in values]
    made(sum(map(len, texts)))
    return "".join(texts)


def range_bounded(*bounds: int) -> range:
    """Return a range of numbers, as Python's ``range``.

    :raises ExpressionError: where it has too many.
    """
    tick()
    numbers = range(*bounds)
    most = min(100_000, CURRENT.get().limits.items)
    if len(numbers) > most:
        raise ExpressionError(f"a range has at most {most:,} numbers (got {len(numbers):,})")
    return numbers
