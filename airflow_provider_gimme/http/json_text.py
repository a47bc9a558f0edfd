"""JSON as it is sent, and as it is read: only what can be kept, shown and sent on afterwards."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Never

import msgspec

__all__ = ["MAX_DEPTH", "read_json", "write_json"]

MAX_DEPTH = 100
"""How many arrays and objects may stand in each other. More would break whoever walks through the value later."""

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:[uU][dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)"
)
_LARGE = re.compile(r"\d{100}|\d[eE]\+?\d{3}")
"""What a number beyond those of a double has: many digits, or an exponent of three."""
_LONE_CHARACTERS = 6
_LOOKED_AT = frozenset({dict, list, float})
_INFINITE = (math.inf, -math.inf)


def _refuse_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is not a JSON value")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_READ = msgspec.json.Decoder().decode
_WRITE = msgspec.json.Encoder().encode
_WRITE_ODD = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_NULL = b"null"


def write_json(value: Any) -> bytes:
    """Return plain data as JSON, without spaces, in UTF-8.

    :raises ValueError: where JSON has no such value: NaN, infinity, half a character.
    :raises TypeError: where it is no plain data.
    """
    try:
        written = _WRITE(value)
    except (TypeError, ValueError, RecursionError):
        written = _NULL
    # It writes null for a number that is none, too; what there is a null in is left to the strict way.
    return _WRITE_ODD(value).encode() if _NULL in written else written


def read_json(text: str) -> Any:
    """Return the value of a JSON text (RFC 8259).

    Half a character (a surrogate without its other half, which APIs make when they cut a text) becomes U+FFFD.

    :raises ValueError: where it is not JSON, or is nested deeper than :data:`MAX_DEPTH`, or has a number beyond those
        of a double or a NUL in a text, neither of which a database keeps; the reason has no part of the text.
    """
    if "\\u" in text:
        text = _whole_characters(text)
    value, large = _decode(text)
    if large or text.count("[") + text.count("{") > MAX_DEPTH:
        _check(value)
    return value


def _decode(text: str) -> tuple[Any, bool]:
    """Return the value, and whether there may be a number in it that is too large."""
    try:
        return _READ(text), False
    except (ValueError, RecursionError):
        pass  # the other one tells in plain words what is wrong, or knows better
    try:
        return _DECODER.decode(text), _LARGE.search(text) is not None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _whole_characters(text: str) -> str:
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError("it has the character U+0000 in a text")
    if not _SURROGATE.search(text):
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if _is_half(found[0]) else found[0], text)


def _is_half(escape: str) -> bool:
    return len(escape) == _LONE_CHARACTERS


def _check(value: Any) -> None:
    """Look at the value level by level, so that no depth of it is too much for the look itself."""
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        inner = [
            each
            for outer in level
            for each in (outer.values() if type(outer) is dict else outer)
            if type(each) in _LOOKED_AT
        ]
        level = [each for each in inner if type(each) is not float]
        if len(level) < len(inner) and any(each in inner for each in _INFINITE):
            raise ValueError("it has a number that is too large")
        if not level:
            return
    raise ValueError("it is nested too deeply")
