"""Bodies in and out: streamed into a sink, sent from files, bounded in silence."""

from __future__ import annotations

import asyncio
import gzip
import io
import time
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any, BinaryIO

import brotli  # type: ignore[import-untyped]  # it brings no types
import pytest
from aiohttp import web

from airflow_provider_gimme.errors import BodyError, CallTimeoutError, ConnectError, StatusError
from airflow_provider_gimme.http import Client, Request
from airflow_provider_gimme.http.multipart import FileBody, Multipart, Part, show_content
from airflow_provider_gimme.http.sink import SinkError
from tests.http.conftest import SECOND, Serve, ServeRaw, call

MB = 1024 * 1024
CONTENT = bytes(range(256)) * 4 * 1024 * 50
OK = b"HTTP/1.1 200 OK\r\n"
EVENTS = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class MemorySink:
    """Keep what it gets, and what was done with it."""

    def __init__(self, full_after: int = 10**9) -> None:
        self.pieces: list[bytes] = []
        self.ends: list[str] = []
        self.full_after = full_after

    async def write(self, chunk: bytes) -> None:
        self.pieces.append(chunk)
        if sum(map(len, self.pieces)) > self.full_after:
            raise SinkError("No space left on device")

    async def commit(self) -> None:
        self.ends.append("commit")

    async def abort(self) -> None:
        self.ends.append("abort")

    def reference(self, media_type: str) -> dict[str, str]:
        return {"saved": media_type}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
async def test_a_body_is_streamed_into_a_sink(serve: Serve, encoding: str) -> None:
    """Unpacked and of any size; the response has no body, and says how much was saved."""
    body = b"0123456789abcdef" * 600_000
    packed = {"identity": body, "gzip": gzip.compress(body, 1), "br": brotli.compress(body, quality=1)}[encoding]

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=io.BytesIO(packed), headers={"Content-Encoding": encoding})

    server, sink = await serve(handler), MemorySink()
    response = await call(server.base, Request("GET", server.base), sink=sink)
    assert (response.body, response.saved_bytes, sink.ends) == (b"", len(body), ["commit"])
    assert response.plain()["body"] == response.data() == {"saved": "application/octet-stream"}
    assert b"".join(sink.pieces) == body
    assert max(map(len, sink.pieces)) <= MB


async def test_the_answer_of_a_head_is_saved_as_nothing(serve: Serve) -> None:
    """There is no body, whatever its headers announce."""
    server, sink = await serve(), MemorySink()
    response = await call(server.base, Request("HEAD", server.base), sink=sink)
    assert (response.saved_bytes, sink.pieces, sink.ends) == (0, [], ["commit"])


async def test_an_answer_that_is_not_expected_is_not_saved(serve: Serve) -> None:
    """It is the error it would be, with its excerpt."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=404, text="not here")

    server, sink = await serve(handler), MemorySink()
    with pytest.raises(StatusError, match="not here"):
        await call(server.base, Request("GET", server.base), sink=sink)
    assert (sink.pieces, sink.ends) == ([], [])


async def test_a_body_that_is_cut_is_forgotten(serve_raw: ServeRaw) -> None:
    """Nothing is left of it in the sink."""
    server, sink = await serve_raw([OK + b"Content-Length: 9\r\n\r\n1234"]), MemorySink()
    with pytest.raises(ConnectError, match="cut short; answered 200, 4 bytes"):
        await call(server.base, Request("GET", server.base), sink=sink)
    assert sink.ends == ["abort"]


async def test_who_cancels_leaves_nothing_in_the_sink(serve_raw: ServeRaw) -> None:
    """As when Airflow ends the task, or the attempt's time is up."""
    server, sink = await serve_raw([OK + b"Content-Length: 9\r\n\r\n1234", 30.0]), MemorySink()
    with pytest.raises(CallTimeoutError, match="limit of one attempt"):
        await call(server.base, Request("GET", server.base), sink=sink, seconds=0.2)
    assert sink.ends == ["abort"]


async def test_a_sink_that_takes_no_more_is_told(serve: Serve) -> None:
    """A full disk is not a broken connection, and another attempt does not help."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=bytes(200_000))

    server, sink = await serve(handler), MemorySink(full_after=1000)
    with pytest.raises(BodyError, match=r"the body cannot be saved: No space left on device$") as caught:
        await call(server.base, Request("GET", server.base), sink=sink)
    assert (caught.value.retryable, sink.ends) == (False, ["abort"])


async def test_a_bomb_does_not_fill_the_disk(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than 250 times its size is refused, once it is large."""
    monkeypatch.setattr("airflow_provider_gimme.http.body._SUSPICIOUS_BYTES", MB)
    bomb = brotli.compress(bytes(50 * MB), quality=1)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "br"})

    server, sink = await serve(handler), MemorySink()
    with pytest.raises(BodyError, match="unpack to more than 250 times as much"):
        await call(server.base, Request("GET", server.base), sink=sink)
    assert sink.ends == ["abort"]
    assert MB < sum(map(len, sink.pieces)) <= max(MB, 250 * len(bomb)) + 64 * 1024


@pytest.mark.parametrize("keep", [True, False])
async def test_a_body_may_not_be_silent_for_long(serve_raw: ServeRaw, keep: bool) -> None:  # noqa: FBT001
    """The message names the limit, and how far the body had come."""
    server = await serve_raw([OK + b"Content-Length: 9\r\n\r\n1234", 30.0])
    sink = None if keep else MemorySink()
    with pytest.raises(CallTimeoutError) as caught:
        await call(server.base, Request("GET", server.base), sink=sink, read_timeout=0.1 * SECOND)
    assert "silent for 100 ms within the body (the limit 'read_timeout'); answered 200, 4 bytes" in str(caught.value)
    assert (caught.value.sent, caught.value.retryable) == (True, True)


async def test_a_stream_has_a_limit_of_silence_of_its_own(serve_raw: ServeRaw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is said, the next event may take a minute, and any other body as long as the attempt."""
    monkeypatch.setattr("airflow_provider_gimme.http.exchange._SILENCE", 0.1 * SECOND)
    server = await serve_raw([EVENTS + chunk(b"data: 1\n\n"), 30.0])
    with pytest.raises(CallTimeoutError, match="silent for 100 ms"):
        await call(server.base, Request("GET", server.base))
    other = await serve_raw([OK + b"Content-Length: 4\r\n\r\n12", 0.2, b"34"])
    assert (await call(other.base, Request("GET", other.base))).body == b"1234"


async def test_comments_keep_a_stream_alive(serve_raw: ServeRaw) -> None:
    """As long as the attempt may take."""
    script = [EVENTS, *([chunk(b": ping\n\n"), 0.3] * 4), chunk(b"data: 1\n\n") + chunk(b"")]
    server = await serve_raw(script)
    response = await call(server.base, Request("GET", server.base), read_timeout=SECOND)
    assert response.data() == [{"event": "message", "data": 1, "id": ""}]
    endless = await serve_raw([EVENTS, *([chunk(b": ping\n\n"), 0.05] * 40)])
    with pytest.raises(CallTimeoutError, match="limit of one attempt"):
        await call(endless.base, Request("GET", endless.base), read_timeout=SECOND, seconds=0.2)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_stream_is_over_with_its_last_event(serve_raw: ServeRaw, packed: bool) -> None:  # noqa: FBT001
    """Although the server keeps the connection, and the compression, open."""
    body = b'data: {"n": 1}\n\ndata: [DONE]\n\n'
    headers = EVENTS
    if packed:
        import zlib

        packer = zlib.compressobj(wbits=31)
        body = packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH)
        headers = EVENTS.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    server = await serve_raw([headers, chunk(body[:20]), 0.02, chunk(body[20:]), 30.0])
    response = await call(server.base, Request("GET", server.base), seconds=2)
    assert [event["data"] for event in response.data()] == [{"n": 1}]


async def test_a_stream_that_is_cut_is_an_error(serve_raw: ServeRaw) -> None:
    """It is not taken for a whole one: the rest would be missing."""
    server = await serve_raw([EVENTS + chunk(b"data: 1\n\n")])
    with pytest.raises(ConnectError, match="cut short"):
        await call(server.base, Request("GET", server.base))


def file_of(path: Path, opened: list[BinaryIO], **changed: Any) -> FileBody:
    def open_file() -> BinaryIO:
        opened.append(path.open("rb"))
        return opened[-1]

    return FileBody(**{"name": path.name, "size": path.stat().st_size, "open": open_file, **changed})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / 'Grüße "1".bin'
    path.write_bytes(CONTENT)
    return path


def parts_of(request: web.BaseRequest, body: bytes) -> list[Message]:
    message = message_from_bytes(b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    return list(message.get_payload())


async def test_a_file_is_the_body(serve: Serve, saved: Path) -> None:
    """Of a length that is announced, under the type that the request says."""
    server, opened = await serve(), list[BinaryIO]()
    request = Request("PUT", server.base, headers={"Content-Type": "image/png"}, body=file_of(saved, opened))
    await call(server.base, request)
    (got,) = server.calls
    assert (got.headers["Content-Type"], got.headers["Content-Length"]) == ("image/png", str(50 * MB))
    assert server.bodies == [CONTENT]
    assert [file.closed for file in opened] == [True]


async def test_parts_are_sent_as_browsers_do(serve: Serve, saved: Path) -> None:
    """Fields without a type of their own, values with theirs, files with their names; the length is announced."""
    server = await serve()
    parts = (
        Part("a", "ü".encode()),
        Part('b"\r\n', b"[1]", "application/json"),
        Part("big", b"x" * 600_000),
        Part("file", file_of(saved, [], media_type="image/png")),
    )
    # the boundary is the sender's, whatever a file says of the type
    await call(server.base, Request("POST", server.base, headers={"content-type": "x/y"}, body=Multipart(parts)))
    (got,), (body,) = server.calls, server.bodies
    (content_type,) = got.headers.getall("Content-Type")
    assert content_type.startswith("multipart/form-data; boundary=")
    assert got.headers["Content-Length"] == str(len(body))
    first, second, big, file = parts_of(got, body)
    assert (first["Content-Disposition"], first["Content-Type"]) == ('form-data; name="a"', None)
    assert first.get_payload(decode=True) == "ü".encode()
    assert (second["Content-Disposition"], second["Content-Type"]) == (
        'form-data; name="b%22%0D%0A"',
        "application/json",
    )
    assert len(big.get_payload()) == 600_000
    assert file["Content-Type"] == "image/png"
    assert 'filename="Grüße %221%22.bin"'.encode() in body
    assert CONTENT in body


@pytest.mark.parametrize("make", [lambda file: file, lambda file: Multipart((Part("f", file),))])
async def test_a_file_is_opened_anew_for_each_attempt(
    serve: Serve, saved: Path, make: Callable[[FileBody], FileBody | Multipart]
) -> None:
    """A retry sends all of it again, and nothing stays open."""
    answers = [503, 200]

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=answers.pop(0))

    server, opened = await serve(handler), list[BinaryIO]()
    request = Request("POST", server.base, body=make(file_of(saved, opened)))
    async with Client(server.base) as client:
        with pytest.raises(StatusError):
            await client.send(request, timeout=10 * SECOND)
        await client.send(request, timeout=10 * SECOND, attempt=2)
    assert [len(body) >= 50 * MB for body in server.bodies] == [True, True]
    assert len({len(body) for body in server.bodies}) == 1
    assert [file.closed for file in opened] == [True, True]


async def test_other_work_goes_on_while_a_file_is_sent(serve: Serve, saved: Path) -> None:
    """It is read in threads, piece by piece."""
    server = await serve()
    longest, last = 0.0, time.thread_time()  # of the processor: a machine that stands still blocks nobody

    async def watch() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.005)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    watcher = asyncio.ensure_future(watch())
    await call(server.base, Request("POST", server.base, body=file_of(saved, [])), seconds=10)
    watcher.cancel()
    assert longest < 0.5


async def test_a_file_that_has_shrunk_breaks_the_exchange_off(serve: Serve, saved: Path) -> None:
    """A server never takes half a file for a whole one."""
    server = await serve()
    body = file_of(saved, [], size=51 * MB)
    with pytest.raises(ConnectError, match="Can not write request body"):
        await call(server.base, Request("POST", server.base, body=body))
    assert server.bodies == []


def test_files_are_shown_by_name_and_size(saved: Path) -> None:
    """Never by what is in them."""
    file = file_of(saved, [])
    assert show_content(file) == '<Grüße "1".bin, 52,428,800 bytes>'
    assert show_content(Multipart((Part("a", b"1"), Part("f", file)))) == f"a: 1\nf: {file}"
    assert show_content(b"\xff{}") == "\ufffd{}"


async def test_nobody_waits_a_minute_where_no_limit_fires(serve: Serve) -> None:
    """A body that comes in time is read as ever with a limit of silence."""
    server = await serve()
    response = await call(server.base, Request("GET", server.base), read_timeout=timedelta(seconds=1))
    assert response.data() == {"path": "/"}
