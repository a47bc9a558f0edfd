"""Bodies that are cut, too large, packed wrongly, or not what they say."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from tests.misbehaviours.row import Row
from tests.misbehaviours.wire import JSON, Does, Turn, head, ok, zipped
from tests.standins.raw import Act, Part

__all__ = ["BODIES"]

MEGABYTE = 1024 * 1024
CUT = "→ 200 …: the answer was cut short; answered 200, … bytes of its body were read; tried again in …"
TOO_LARGE = "the body is larger than 5 MB (stopped after … bytes); ask the API for less at once"


def announce(more: int) -> Does:
    """Announce more bytes (or fewer) than are sent."""
    return lambda turn: [head(200, len(turn.body) + more, Content_Type=JSON) + turn.body, Act.CLOSE]


def unfinished(turn: Turn) -> Iterable[Part]:
    """Send one chunk of a body, and not the last one."""
    chunk = f"{len(turn.body):x}\r\n".encode() + turn.body + b"\r\n"
    return [head(200, None, Content_Type=JSON, Transfer_Encoding="chunked") + chunk, Act.CLOSE]


def endless(_turn: Turn) -> Iterable[Part]:
    """Send without end."""
    yield head(200, None, Content_Type="text/plain")
    yield from repeat(b"and so on " * 6553)


def liar(turn: Turn) -> Iterable[Part]:
    """Say that the body is gzip, and send it as it is."""
    return [head(200, len(turn.body), Content_Type=JSON, Content_Encoding="gzip") + turn.body]


BODIES: tuple[Row, ...] = (
    Row(
        "cuts-its-body",
        "announces more bytes than it sends",
        announce(99),
        times=1,
        calls=2,
        reads=CUT,
    ),
    Row(
        "sends-more-than-it-says",
        "sends more bytes than it announces",
        announce(-5),
        calls=3,
        error="connect",
        reads="the answer is not HTTP",
    ),
    Row(
        "leaves-out-the-last-chunk",
        "ends a chunked body too early",
        unfinished,
        times=1,
        calls=2,
        reads=CUT,
    ),
    Row(
        "cuts-its-gzip",
        "sends half of a gzip body as if it were whole",
        zipped(b'{"data": [2]}' * 99, 0.5),
        calls=3,
        error="connect",
        reads="the answer was cut short: its gzip data ends too early; answered 200",
    ),
    Row(
        "lies-about-gzip",
        "says that its body is gzip, and it is not",
        liar,
        calls=1,
        error="body",
        reads="the body cannot be read: it says that it is compressed by gzip, and is not",
    ),
    Row(
        "sends-a-bomb",
        "sends 20 kB of gzip that become 20 MB",
        zipped(bytes(20 * MEGABYTE)),
        calls=1,
        error="body",
        reads=TOO_LARGE,
    ),
    Row(
        "announces-too-much",
        "announces a body of 6 MB",
        lambda _: [head(200, 6 * MEGABYTE), b"x", Act.HANG],
        calls=1,
        error="body",
        reads="the body is larger than 5 MB (6,291,456 bytes are announced, none was read); ask the API for less",
    ),
    Row(
        "sends-without-end",
        "sends a body that never ends",
        endless,
        calls=1,
        error="body",
        reads=TOO_LARGE,
    ),
    Row(
        "sends-broken-json",
        "sends JSON with a comma too many",
        ok(b'{"data": [2,]}'),
        calls=1,
        error="body",
        reads="the body of status 200 (application/json, 14 bytes) says that it is JSON and is not (…)",
    ),
    Row(
        "sends-nan",
        "sends `NaN`, which is not JSON",
        ok(b'{"data": [NaN]}'),
        calls=1,
        error="body",
        reads="says that it is JSON and is not (NaN is not a JSON value)",
    ),
    Row(
        "nests-too-deeply",
        "sends 100,000 lists within each other",
        ok(b"[" * 100_000 + b"]" * 100_000),
        calls=1,
        error="body",
        reads="says that it is JSON and is not (it is nested too deeply)",
    ),
    Row(
        "sends-html-as-json",
        "sends a page of HTML that says it is JSON: a login, a captive portal",
        ok(b"<html>Please log in</html>"),
        calls=1,
        error="body",
        reads="the body of status 200 (application/json, 26 bytes) says that it is JSON and is not (…)",
    ),
    Row(
        "sends-another-charset",
        "sends JSON in Latin-1 that says it is UTF-8",
        ok('{"data": ["Zürich"]}'.encode("latin-1"), "application/json; charset=utf-8"),
        calls=1,
        error="body",
        reads="says that it is text in UTF-8 and is not; its server sends another charset, or cuts it",
    ),
    Row(
        "sends-a-picture",
        "sends binary data",
        ok(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        calls=1,
        error="body",
        reads="(image/png, 16 bytes) is binary, and an output is JSON or text; …ask the API for another format",
    ),
)
