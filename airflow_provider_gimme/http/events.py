"""Streams of events (``text/event-stream``) and of lines (NDJSON), read as data once they have ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypedDict

from airflow_provider_gimme.http.json_text import read_json

__all__ = ["EVENTS", "LINES", "Event", "ends_events", "read_events", "read_lines"]

EVENTS = "text/event-stream"
"""The media type of server-sent events."""

LINES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
        "application/json-lines",
        "application/json-seq",
    }
)
"""The media types of bodies with one JSON value a line; of ``json-seq`` (RFC 7464), one a record."""

_DONE = "[DONE]"
_LAST = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\](?:\r\n\r\n|\n\n|\r\r)$")
_BREAK = re.compile(r"\r\n|\n|\r")
_RECORD = "\x1e"


class Event(TypedDict):
    """One event as expressions see it."""

    event: str
    """Its type, ``message`` where it has none."""
    data: Any
    """What was sent: as JSON where it is JSON, else as text."""
    id: str
    """The last id that was sent, empty where none was."""


def ends_events(tail: bytes) -> bool:
    """Say whether what was read so far of a stream ends with the event ``[DONE]``, after which nothing comes."""
    return _LAST.search(tail) is not None


def read_events(text: str) -> list[Event]:
    """Return the events of a stream (WHATWG HTML, server-sent events), without the ``[DONE]`` that ends one.

    As the standard says, an event that no blank line ends is left out, and so is one without data.
    """
    return list(_events(text.removeprefix("\ufeff")))


def _events(text: str) -> Iterator[Event]:
    kind, last_id, data = "", "", list[str]()
    *lines, _ = _BREAK.split(text)
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            whole = "\n".join(data)
            if whole.strip() == _DONE:
                return
            if data:
                yield Event(event=kind or "message", data=_value(whole), id=last_id)
            kind, data = "", []
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value


def _value(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return text


def read_lines(text: str) -> list[Any]:
    """Return the values of a body with one JSON value a line; blank lines are left out.

    :raises ValueError: naming the line, from 1, that is not JSON, and not what stands in it.
    """
    values: list[Any] = []
    for number, line in enumerate(text.split(_RECORD if text.startswith(_RECORD) else "\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(read_json(line))
        except ValueError as error:
            raise ValueError(f"line {number} is not JSON: {error}") from None
    return values
