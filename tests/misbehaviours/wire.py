"""What a misbehaving API writes: heads, bodies, and the parts that break them."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from tests.standins.raw import Act, Part

__all__ = ["Does", "Turn", "answer", "error", "head", "in_pieces", "ok", "zipped"]

JSON = "application/json"


@dataclass(frozen=True)
class Turn:
    """One call that the API misbehaves at."""

    body: bytes
    """The body of the answer as it should be, JSON."""
    path: str
    """The path that was called."""
    untrusted: str
    """The URL of a door that speaks TLS, with a certificate that nobody vouches for."""
    elsewhere: str
    """The same door's URL by another name: to a caller, another origin."""


Does = Callable[[Turn], Iterable[Part]]
"""Takes a turn and returns what is said at it."""


def head(status: int, length: int | None, **headers: str) -> bytes:
    """Return a status line and headers; without ``length`` there is no ``Content-Length``."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(status: int, body: bytes = b"", content_type: str = JSON, **headers: str) -> Does:
    """Say one whole answer; a header whose value is ``now+N`` holds the HTTP-date of N seconds from now."""

    def _does(_turn: Turn) -> Iterable[Part]:
        dated = {name: _dated(value) for name, value in headers.items()}
        return [head(status, None if status in {204, 304} else len(body), Content_Type=content_type, **dated) + body]

    return _does


def _dated(value: str) -> str:
    """Put a date for ``now+N``, seconds since 1970 for ``epoch+N``."""
    word, plus, seconds = value.partition("+")
    if not plus or word not in {"now", "epoch"}:
        return value
    moment = int(time.time()) + int(seconds)
    return formatdate(moment, usegmt=True) if word == "now" else str(moment)


def error(status: int, message: str, **headers: str) -> Does:
    """Say an error with a body of JSON."""
    body: Any = {"error": {"message": message}}
    return answer(status, json.dumps(body).encode(), **headers)


def ok(body: bytes | None = None, content_type: str = JSON) -> Does:
    """Say 200 with a body; None: with the one that belongs there."""

    def _does(turn: Turn) -> Iterable[Part]:
        content = turn.body if body is None else body
        return [head(200, len(content), Content_Type=content_type) + content]

    return _does


def zipped(body: bytes, share: float = 1) -> Does:
    """Say 200 with a body by gzip, of which only a share is sent."""
    content = gzip.compress(body)
    sent = content[: int(len(content) * share)]
    return lambda _turn: [head(200, len(sent), Content_Type=JSON, Content_Encoding="gzip") + sent, Act.CLOSE]


def in_pieces(data: bytes, seconds: float) -> Iterator[Part]:
    """Write byte by byte, with a pause after each."""
    for place in range(len(data)):
        yield data[place : place + 1]
        yield seconds
