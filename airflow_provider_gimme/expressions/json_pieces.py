"""JSON from a text template: values are escaped by where they stand, so none can break out of its place.

A rendered template is a sequence of literals (the template's own text) and slots (values). Literals decide whether a
slot stands inside quotes: there its text is escaped; elsewhere it becomes a JSON value of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import JsonText, to_json_text, to_text
from airflow_provider_gimme.expressions.limits import made

__all__ = ["Literal", "Pieces", "Slot", "assemble"]

_STRING_PART = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_OPEN_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")


@dataclass(frozen=True)
class Literal:
    """A part of the template's own text that begins at ``line`` of it."""

    text: str
    line: int


class Slot(NamedTuple):
    """A value, put in at ``line`` of the template; 0 where the line is not known."""

    value: Any
    line: int


class Pieces(str):
    """What a macro or a block has made: text that still knows its literals and slots."""

    __slots__ = ("parts",)
    parts: tuple[Literal | Slot, ...]

    @classmethod
    def of(cls, parts: Iterable[Any]) -> Pieces:
        """Make one from what a rendered block yields."""
        flat = tuple(_flat(parts))
        text = "".join(part.text if isinstance(part, Literal) else to_text(part.value) for part in flat)
        made(len(text))
        pieces = cls(text)
        pieces.parts = flat
        return pieces


def _flat(parts: Iterable[Any]) -> Iterator[Literal | Slot]:
    for part in parts:
        value = part.value if isinstance(part, Slot) else part
        if isinstance(value, Pieces):
            yield from value.parts
        elif isinstance(part, Literal | Slot):
            yield part
        else:
            yield Slot(part, 0)


class _Assembly:
    """The JSON text so far, and whether it ends inside a quoted string."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.size = 0
        self.quoted = False
        self.tail = ""
        self.starts: list[tuple[int, Literal | Slot]] = []

    def add(self, part: Literal | Slot) -> None:
        self.starts.append((self.size, part))
        text = part.text if isinstance(part, Literal) else self._located(part)
        if isinstance(part, Literal):
            self._read(text)
        made(len(text))
        self.size += len(text)
        self.texts.append(text)

    def _located(self, slot: Slot) -> str:
        try:
            return self._value(slot)
        except ExpressionError as error:
            raise ExpressionError(error.message, line=slot.line or None) from None

    def _value(self, slot: Slot) -> str:
        if self.quoted:
            if _OPEN_ESCAPE.search(self.tail):
                raise ExpressionError("a value cannot follow a backslash. Write the whole text in {{ }}.")
            return encode_basestring(to_text(slot.value))[1:-1]
        return str(slot.value) if isinstance(slot.value, JsonText) else to_json_text(slot.value)

    def _read(self, text: str) -> None:
        """Follow the quotes of a literal."""
        position = 0
        open_escape = self.quoted and self.tail
        if open_escape:
            text = self.tail + text
        self.tail = ""
        while position < len(text):
            if not self.quoted:
                position = text.find('"', position) + 1
                if position == 0:
                    return
                self.quoted = True
            end = _STRING_PART.match(text, position).end()  # type: ignore[union-attr] # it matches the empty text too
            if end < len(text) and text[end] == '"':
                self.quoted, position = False, end + 1
                continue
            open_end = _OPEN_ESCAPE.search(text[max(end - 6, position) :])
            self.tail = open_end.group() if open_end and _is_open(text, position, open_end.group()) else ""
            return


def _is_open(text: str, start: int, tail: str) -> bool:
    """Tell whether the escape at the end of a string is one: an even number of backslashes before it."""
    before = text[start : len(text) - len(tail)]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 0


def assemble(parts: Iterable[Any], template: str) -> Any:
    """Return the JSON that a rendered template is.

    :raises ExpressionError: where it is not JSON; with the line and an excerpt of the template, never of the rendering.
    """
    assembly = _Assembly()
    for part in _flat(parts):
        assembly.add(part)
    text = "".join(assembly.texts)
    try:
        return _DECODE(text)
    except json.JSONDecodeError as error:
        line = _line_at(assembly.starts, error.pos)
        raise _not_json(error.msg, line, template, _way_out(text, error.pos)) from None
    except ValueError as error:
        raise ExpressionError(f"the template does not yield JSON: {error}") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON value")


_DECODE = json.JSONDecoder(parse_constant=_refuse).decode


def _line_at(starts: list[tuple[int, Literal | Slot]], position: int) -> int:
    """Return the template's line that yields what is at ``position`` of the rendering."""
    line = 1
    for start, part in starts:
        if start > position:
            break
        line = _line_of(part, position - start) or line
    return line


def _line_of(part: Literal | Slot, offset: int) -> int:
    return part.line if isinstance(part, Slot) else part.line + part.text.count("\n", 0, offset)


def _way_out(text: str, position: int) -> str:
    """Say what to do about the two slips that JSON is stricter about than YAML and Python are."""
    if text[position : position + 1] == "'":
        return '. JSON has double quotes only: write "'
    last = text[:position].rstrip()[-1:] + text[position:].lstrip()[:1]
    after = text[position + 1 :].lstrip()[:1]
    return ". Remove the ',' before it" if last in {",}", ",]"} or last[1:] + after in {",}", ",]"} else ""


def _not_json(message: str, line: int, template: str, way_out: str) -> ExpressionError:
    lines = template.split("\n")
    excerpt = lines[line - 1].strip() if line <= len(lines) else ""
    excerpt = excerpt if len(excerpt) <= 80 else excerpt[:79] + "…"
    return ExpressionError(
        f"the template does not yield JSON ({message}) at line {line}: `{excerpt}`{way_out}", line=line
    )
