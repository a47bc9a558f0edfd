"""Servers that cut, hang and lie: what the error says, and whether the request may have been processed."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from airflow_provider_gimme.errors import BodyError, CallError, CallTimeoutError, ConnectError, StatusError
from airflow_provider_gimme.http import BearerAuth, CallRecord, Client, Request
from tests.http.conftest import SECOND, Serve, ServeRaw, call

OK = b"HTTP/1.1 200 OK\r\n"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def _sockets(count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.socket()) for _ in range(count)]


CUT: list[tuple[str, list[bytes | float], str]] = [
    ("no answer", [], "the server closed the connection; nothing was answered"),
    ("half a status line", [b"HTTP/1.1 20"], "the server closed the connection; nothing was answered"),
    ("half the headers", [OK + b"Content-Type: a"], "the server closed the connection; nothing was answered"),
    ("no body", [OK + b"Content-Length: 9\r\n\r\n"], "cut short; answered 200, 0 bytes of its body were read"),
    ("half a body", [OK + b"Content-Length: 9\r\n\r\n1234"], "cut short; answered 200, 4 bytes"),
    ("half a chunk", [OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\n123"], "cut short; answered 200, 3 bytes"),
    ("no last chunk", [OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n"], "cut short; answered 200, 3 bytes"),
    ("no chunks", [OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"], "the answer is not HTTP"),
    ("more than it says", [OK + b"Content-Length: 2\r\n\r\n{}trailing"], "the answer is not HTTP"),
    (
        "half a gzip stream",
        [OK + b"Content-Encoding: gzip\r\nContent-Length: 30\r\n\r\n" + gzip.compress(b"abc" * 999)[:30]],
        "cut short: its gzip data ends too early; answered 200",
    ),
    ("not HTTP", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "the answer is not HTTP"),
    ("huge headers", [OK + b"X: " + b"x" * 20_000 + b"\r\n\r\n"], "its headers are too large"),
]


@pytest.mark.parametrize("script,words", [case[1:] for case in CUT], ids=[case[0] for case in CUT])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_breaks_off_is_no_answer(
    serve_raw: ServeRaw, method: str, script: list[bytes | float], words: str
) -> None:
    """It may have been processed; it is sent exactly once, and a secret is nowhere in the error."""
    server = await serve_raw(script)
    records: list[CallRecord] = []
    with pytest.raises(ConnectError) as caught:
        await call(
            server.base, Request(method, server.base + "/?k=s3cr3t"), auth=BearerAuth("s3cr3t"), on_call=records.append
        )
    error = caught.value
    assert words in str(error)
    assert (error.sent, error.retryable, error.method, error.url) == (True, True, method, server.base + "/?k=***")
    assert error.__cause__ is error.__context__ is None
    assert len(server.requests) == 1
    assert [record.error for record in records] == [str(error).removeprefix(f"{method} {error.url}: ")]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_kept_connection_that_dies_does_not_send_twice(serve_raw: ServeRaw, method: str) -> None:
    """What the ledger of a server shows are our attempts; nothing is sent again behind our back."""
    server = await serve_raw([OK + b"Content-Length: 0\r\n\r\n"], [], keep=2)
    async with Client(server.base) as client:
        await client.send(Request("GET", server.base), timeout=SECOND)
        with pytest.raises(ConnectError, match="the server closed the connection") as caught:
            await client.send(Request(method, server.base, body=b"x"), timeout=SECOND)
    assert caught.value.sent
    assert len(server.requests) == 2


async def test_what_comes_after_an_answer_does_not_spoil_the_next_call(serve_raw: ServeRaw) -> None:
    """What a server sends beyond the announced length belongs to no answer."""
    lie = [OK + b"Content-Length: 2\r\n\r\n{}", 0.02, b"trailing", 0.02]
    server = await serve_raw(lie, lie, keep=2)
    async with Client(server.base) as client:
        for _ in range(2):
            assert (await client.send(Request("GET", server.base), timeout=SECOND)).data() == {}
            await asyncio.sleep(0.1)
    assert len(server.requests) == 2


async def test_a_body_without_a_length_ends_with_the_connection(serve_raw: ServeRaw) -> None:
    """As HTTP/1.0 has it."""
    server = await serve_raw([b"HTTP/1.0 200 OK\r\n\r\nsome", 0.01, b" text"])
    assert (await call(server.base, Request("GET", server.base))).data() == "some text"


async def test_a_status_with_a_broken_body_is_still_a_status(serve_raw: ServeRaw) -> None:
    """A 503 whose body is cut is a 503, with what it asks for."""
    server = await serve_raw([b"HTTP/1.1 503 No\r\nRetry-After: 3\r\nContent-Length: 99\r\n\r\nbusy"])
    with pytest.raises(StatusError) as caught:
        await call(server.base, Request("GET", server.base))
    assert (caught.value.status, caught.value.excerpt, caught.value.retry_after) == (503, "busy", 3 * SECOND)


async def test_a_status_of_an_unknown_encoding_is_still_a_status(serve_raw: ServeRaw) -> None:
    """What its body is packed in does not matter."""
    server = await serve_raw([b"HTTP/1.1 500 No\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nxyz"])
    with pytest.raises(StatusError, match=r"answered 500 \(Internal Server Error\)$"):
        await call(server.base, Request("GET", server.base))


async def test_nobody_listens() -> None:
    """It is certain that nothing was sent."""
    base = f"http://127.0.0.1:{_free_port()}"
    with pytest.raises(ConnectError, match=r"cannot connect to 127\.0\.0\.1:\d+: Connection refused$") as caught:
        await call(base, Request("POST", base, body=b"{}"))
    assert (caught.value.sent, caught.value.retryable) == (False, True)


async def test_a_name_that_is_not_found() -> None:
    """The host is named, and nothing was sent."""
    with pytest.raises(ConnectError, match=r"cannot connect to no-such-host.invalid:80") as caught:
        await call("http://no-such-host.invalid", Request("GET", "http://no-such-host.invalid"), seconds=20)
    assert not caught.value.sent


async def test_a_server_that_closes_while_it_is_sent_to(serve_raw: ServeRaw) -> None:
    """It may have processed what it got."""
    server = await serve_raw([])
    with pytest.raises(
        ConnectError, match=r"the connection broke off \(.*\); nothing was answered|closed the connection"
    ) as caught:
        await call(server.base, Request("POST", server.base, body=bytes(20_000_000)))
    assert caught.value.sent


@pytest.mark.parametrize("host", ["a" * 64, "a..b"])
async def test_a_name_that_cannot_be_one(host: str) -> None:
    """The library refuses it: it was not sent."""
    with pytest.raises(CallError) as caught:
        await call(f"http://{host}.example", Request("GET", f"http://{host}.example"))
    assert not caught.value.sent


HANG: list[tuple[str, list[bytes | float], str]] = [
    ("before the answer", [30.0], "nothing was answered"),
    ("in the headers", [OK + b"Content", 30.0], "nothing was answered"),
    ("in the body", [OK + b"Content-Length: 9\r\n\r\n1234", 30.0], "answered 200, 4 bytes of its body were read"),
]


@pytest.mark.parametrize("script,words", [case[1:] for case in HANG], ids=[case[0] for case in HANG])
async def test_an_attempt_that_takes_too_long_is_ended(
    serve_raw: ServeRaw, script: list[bytes | float], words: str
) -> None:
    """The message names the limit, its value, and how far the answer had come."""
    server = await serve_raw(script)
    with pytest.raises(CallTimeoutError) as caught:
        await call(server.base, Request("POST", server.base), seconds=0.5)
    assert f"no complete answer within 500 ms (the limit of one attempt); {words}" in str(caught.value)
    assert (caught.value.sent, caught.value.retryable) == (True, True)
    assert timedelta(milliseconds=490) < caught.value.elapsed < 20 * SECOND
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_a_trickle_does_not_keep_an_attempt_alive(serve_raw: ServeRaw) -> None:
    """The limit is for the whole, not for the pauses."""
    server = await serve_raw([OK + b"Content-Length: 900\r\n\r\n", *([b"x", 0.02] * 300)])
    with pytest.raises(CallTimeoutError, match="within 300 ms"):
        await call(server.base, Request("GET", server.base), seconds=0.3)


@pytest.mark.parametrize("which", ["connect", "attempt"])
async def test_a_connection_that_takes_too_long_was_not_sent(which: str) -> None:
    """A server with a full backlog: the message tells which of the two limits fired."""
    with socket.socket() as listener, _sockets(4) as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        limit = timedelta(seconds=0.2 if which == "connect" else 9)
        with pytest.raises(CallTimeoutError) as caught:
            await call(base, Request("POST", base), seconds=0.3, connect_timeout=limit)
    words = {
        "connect": "no connection within 200 ms (the limit for connecting)",
        "attempt": "no complete answer within 300 ms (the limit of one attempt); not connected yet",
    }
    assert words[which] in str(caught.value)
    assert (caught.value.sent, caught.value.retryable) == (False, True)


async def test_the_excerpt_of_an_error_is_not_waited_for_long(
    serve_raw: ServeRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 500 whose body hangs is a 500, soon."""
    monkeypatch.setattr("airflow_provider_gimme.http.exchange._EXCERPT_SECONDS", 0.1)
    server = await serve_raw([b"HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\noh", 30.0])
    with pytest.raises(StatusError, match=r"answered 500 \(Internal Server Error\): oh"):
        await call(server.base, Request("GET", server.base), seconds=3)


async def test_a_cancelled_call_is_cancelled(serve_raw: ServeRaw) -> None:
    """Who cancels gets no error of ours."""
    server = await serve_raw([30.0])
    task = asyncio.ensure_future(call(server.base, Request("GET", server.base)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_limit_of_the_caller_is_the_callers(serve_raw: ServeRaw) -> None:
    """A step's own limit around a call is not taken for the call's."""
    server = await serve_raw([30.0])
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.1):
            await call(server.base, Request("GET", server.base))
    assert not isinstance(caught.value, CallTimeoutError)


async def test_a_binary_body_is_told_as_such(serve: Serve, serve_raw: ServeRaw) -> None:
    """The error of the body names the call."""
    server = await serve_raw([OK + b"Content-Type: image/png\r\nContent-Length: 4\r\n\r\n\x89PNG"])
    response = await call(server.base, Request("GET", f"{server.base}/?token=s3cr3t"))
    with pytest.raises(
        BodyError, match=r"GET http://.*/\?token=\*\*\*: the body of status 200 \(image/png, 4 bytes\) is"
    ):
        response.data()
