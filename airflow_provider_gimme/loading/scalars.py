"""From the text of an unquoted scalar to its value: the core schema of YAML 1.2 (§10.3.2)."""

from __future__ import annotations

import math
import re
from typing import Any

from airflow_provider_gimme.config.scalars import SourceFloat, SourceInt

__all__ = ["resolve"]

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_STARTS = frozenset("0123456789+-.")
_DIGITS = 300
"""The longest number; a double has no more than 309 digits before its point."""


def resolve(text: str) -> Any:
    """Return what an unquoted scalar means: null, true, false, a number, else the text itself.

    ``yes``, ``on``, ``12:30`` and dates are text. A number whose text is not the usual one (``1.10``, ``007``)
    remembers it.

    :raises ValueError: for a number that JSON cannot hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("JSON has no such number. Write a finite one, or put it in quotes to make it text.")
    return text


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError("the number is too long. Put it in quotes to make it text.")
    number = int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    return number if str(number) == text else SourceInt(number, text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("the number is too large. Put it in quotes to make it text.")
    return number if repr(number) == text else SourceFloat(number, text)
