"""Checks that filters share: what they are applied to."""

from __future__ import annotations

from typing import Any

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import kind_of

__all__ = ["defined", "need", "number_up_to"]


def defined(value: object) -> object:
    """Return a value that exists.

    :raises UndefinedError: where it does not.
    """
    from jinja2 import Undefined

    if isinstance(value, Undefined):
        str(value)
    return value


def need(filter_name: str, value: object, *types: type, what: str = "text") -> Any:
    """Return a value that is of one of ``types``.

    :raises ExpressionError: where it is not; it names the filter and ``what`` it needs.
    """
    if not isinstance(defined(value), types):
        raise ExpressionError(f"the filter '{filter_name}' needs {what} (got {kind_of(value)})")
    return value


def number_up_to(filter_name: str, number: object, most: int) -> int:
    """Return a whole number from ``-most`` to ``most``.

    :raises ExpressionError: where it is not one.
    """
    if not isinstance(defined(number), int) or not -most <= int(number) <= most:  # type: ignore[call-overload]
        raise ExpressionError(f"the filter '{filter_name}' takes a whole number up to {most:,}")
    return int(number)  # type: ignore[call-overload, no-any-return]
