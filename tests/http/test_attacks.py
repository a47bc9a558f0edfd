"""What hostile servers, and hostile values of a run, try: each ends in words, in time, no credential lost."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import (
    BodyError,
    CallError,
    CallTimeoutError,
    ConnectError,
    RequestError,
    StatusError,
)
from airflow_provider_gimme.http import ApiKeyAuth, BearerAuth, Client, Headers, Request, Response, format_call
from airflow_provider_gimme.http.failures import MAX_HEADERS
from airflow_provider_gimme.http.record import CallRecord
from tests.http.conftest import SECOND, Serve, Server, ServeRaw, call

OK = b"HTTP/1.1 200 OK\r\n"
TOKEN = "t0k3n-of-ours"

# What own origin's answers say to get a call to EVIL (host:port), and why it is not made.
LURES = [
    ("http://EVIL/x", "in 'allow_hosts'"),
    ("//EVIL/x", "in 'allow_hosts'"),
    ("HTTP://EVIL", "in 'allow_hosts'"),
    ("http://OWN@EVIL/", "no user or password"),
    ("http://OWN:80@EVIL/", "no user or password"),
    ("http://127.0.0.1%40EVIL/", "is not a host"),
    ("http://OWN\\@EVIL/", "no user or password"),
    ("http://EVIL\\@OWN/", "no user or password"),
    ("http://EVIL#@OWN/", "in 'allow_hosts'"),
    ("http://EVIL?@OWN/", "in 'allow_hosts'"),
    ("http://EVIL;@OWN/", "no user or password"),
    ("http://EVIL%2f@OWN/", "no user or password"),
    ("http://EVIL%00.OWN/", "is not a number from 0 to 65535"),
    ("http://0x7f.1:PORT/", "in 'allow_hosts'"),
    ("http://2130706433:PORT/", "in 'allow_hosts'"),
    ("http://[::ffff:127.0.0.1]:PORT/", "in 'allow_hosts'"),
    ("http://localhost:PORT/", "in 'allow_hosts'"),
    ("http://127.0.0.1.:PORT/", "in 'allow_hosts'"),
    ("http://①②⑦.0.0.1:PORT/", "in 'allow_hosts'"),
    ("http://127。0。0。1:PORT/", "in 'allow_hosts'"),
    ("http://[bad/", "does not lead to a URL"),
    ("http://169.254.169.254/latest", "in 'allow_hosts'"),
    ("http://[::ffff:169.254.169.254]/", "in 'allow_hosts'"),
    ("gopher://EVIL/_GET", "begins with http:// or https://"),
    ("file:///etc/passwd", "begins with http:// or https://"),
    ("data:text/plain,x", "begins with http:// or https://"),
    ("/%2e%2e/%2E%2E/admin", "'..'"),
    ("/a%2f..%2fadmin", "'..'"),
    ("/a%5c..%5cadmin", "'..'"),
    ("http://OWN/" + "a" * 70_000, "characters long"),
]


@contextlib.asynccontextmanager
async def _client(own: Server, **options: object) -> AsyncIterator[Client]:
    async with Client(own.base, auth=BearerAuth(TOKEN), **options) as client:  # type: ignore[arg-type]
        yield client


def _lure(text: str, own: Server, evil: Server) -> str:
    return text.replace("EVIL", evil.host).replace("OWN", own.host).replace("PORT", evil.host.rpartition(":")[2])


async def _go(client: Client, request: Request, link: str) -> None:
    answer = await client.send(request, timeout=5 * SECOND)
    await client.send(client.follow(request, answer, link), timeout=5 * SECOND)


@pytest.mark.parametrize("lure,words", LURES, ids=[lure[:40] for lure, _ in LURES])
@pytest.mark.parametrize("way", ["redirect", "link"])
async def test_an_answer_does_not_lead_a_call_elsewhere(serve: Serve, way: str, lure: str, words: str) -> None:
    """By no spelling of a redirect or a link: it is told why, and the other origin hears nothing."""
    location = ""

    async def handler(request: web.Request) -> web.Response:
        if way == "link" or request.path != "/":
            return web.json_response({})
        # Written as bytes, as servers do that know no rules.
        return web.Response(status=302, headers={"Location": location})

    own, evil = await serve(handler), await serve()
    location = _lure(lure, own, evil)
    if way == "redirect" and len(location) > 8000:
        location = location[:17_000]
        words = "its headers are too large"
    async with _client(own) as client:
        request = Request("GET", own.base + "/")
        with pytest.raises(CallError) as caught:
            await _go(client, request, location)
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert (len(own.calls), evil.calls) == (1, [])


HOPS = ["redirect", "link", "absolute endpoint"]


@pytest.mark.parametrize("way", HOPS)
@pytest.mark.parametrize("key", [BearerAuth(TOKEN), ApiKeyAuth(TOKEN), ApiKeyAuth(TOKEN, "key", "query")])
async def test_an_allowed_host_sees_no_credential(serve: Serve, way: str, key: BearerAuth | ApiKeyAuth) -> None:
    """Nor a cookie, a header that holds one, or a session of the own origin; whatever led there."""

    async def handler(request: web.Request) -> web.Response:
        headers = {"Set-Cookie": "session=1; Domain=127.0.0.1; Path=/"}
        if way == "redirect":
            return web.Response(status=307, headers={**headers, "Location": f"{other.base}/x"})
        return web.json_response({}, headers=headers)

    own, other = await serve(handler), await serve()
    mine = {"Cookie": "c=1", "X-Copy": f"of {TOKEN}", "Proxy-Authorization": "Basic x", "X-A": "1"}
    async with Client(own.base, auth=key, allow_hosts=[other.host]) as client:
        start = other.base if way == "absolute endpoint" else own.base
        request = Request("GET", f"{start}/x", headers=mine)
        answer = await client.send(request, timeout=5 * SECOND)
        if way == "link":
            await client.send(client.follow(request, answer, f"{other.base}/x"), timeout=5 * SECOND)
    (seen,) = other.calls
    assert {"Authorization", "X-API-Key", "Cookie", "X-Copy", "Proxy-Authorization"} & set(seen.headers) == set()
    assert (seen.headers["X-A"], seen.raw_path) == ("1", "/x")


REQUESTS = [
    (Request("GET", "BASE/x", headers={"X": "a\r\nEvil: 1"}), "has a control character ('\\r') in it"),
    (Request("GET", "BASE/x", headers={"X": "a\n"}), "does the secret end with a line break?"),
    (Request("GET", "BASE/x", headers={"X": "a\0b"}), "has a control character"),
    (Request("GET", "BASE/x", headers={"X\r\nEvil": "1"}), "is not a header's name"),
    (Request("GET", "BASE/x", headers={"X: 1\r\nEvil": "1"}), "is not a header's name"),
    (Request("GET", "BASE/x", headers={"": "1"}), "is not a header's name"),
    (Request("GET", "BASE/x", headers={"Éx": "1"}), "is not a header's name"),
    (Request("GET", "BASE/x", headers={"Content-Length": "0"}), "is set by the engine itself"),
    (Request("GET", "BASE/x", headers={"Transfer-Encoding": "chunked"}), "is set by the engine itself"),
    (Request("GET", "BASE/x\r\nHost: evil"), "the URL has a control character"),
    (Request("GET", "BASE/x HTTP/1.1\r\n\r\nDELETE /"), "the URL has a control character"),
    (Request("GET / HTTP/1.1\r\nX:", "BASE/x"), "is not a method"),
    (Request("GET", "BASE/a/../../admin"), "'..'"),
    (Request("GET", "BASE/a/%2e%2e/admin"), "'..'"),
    (Request("GET", "BASE/a/..%2fadmin"), "'..'"),
    (Request("GET", "BASE/a/..%5Cadmin"), "'..'"),
    (Request("GET", "BASE@evil.invalid/"), "no user or password"),
    (Request("GET", "BASE.evil.invalid/"), "is not a number from 0 to 65535"),
    (Request("GET", "http://evil.invalid/"), "list 'evil.invalid' in 'allow_hosts'"),
    (Request("GET", "http://169.254.169.254/"), "list '169.254.169.254' in 'allow_hosts'"),
]


@pytest.mark.parametrize("request_,words", REQUESTS, ids=[repr(words)[:30] for _, words in REQUESTS])
async def test_a_request_that_was_tampered_with_is_not_sent(serve: Serve, request_: Request, words: str) -> None:
    """Whatever values of a run were put into it, nothing leaves."""
    server = await serve()
    tampered = Request(request_.method, request_.url.replace("BASE", server.base), headers=request_.headers)
    with pytest.raises(RequestError, match="not sent: ") as caught:
        await call(server.base, tampered, auth=BearerAuth(TOKEN))
    assert words in str(caught.value)
    assert (TOKEN in str(caught.value), server.calls) == (False, [])


async def test_what_a_value_holds_stays_in_its_place(serve: Serve) -> None:
    """A value of the query or an encoded one of the path ends neither, and one of a header stays one header."""
    server = await serve()
    request = Request("GET", f"{server.base}/a%2Fb%3Fc%23d%0D%0A", (("q", "1&admin=1#x\r\nEvil: 1"),), {"X": "ü, é\t1"})
    await call(server.base, request)
    (seen,) = server.calls
    assert seen.raw_path == "/a%2Fb%3Fc%23d%0D%0A?q=1%26admin%3D1%23x%0D%0AEvil%3A%201"
    assert (seen.headers["X"], "Evil" in seen.headers) == ("ü, é\t1", False)


def _body(body: bytes, content_type: str = "application/json", head: bytes = b"") -> bytes:
    return b"%sContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
        OK,
        content_type.encode(),
        head,
        len(body),
        body,
    )


HEAD_LIMIT = "its headers are too large: one line has more than 16,384 bytes"
MANY = f"its headers are too large: there are more than {MAX_HEADERS}"
NOT_HTTP = "the answer is not HTTP"
LATE = "no complete answer within 250 ms"

# An answer, its endless end, and the error.
ANSWERS: list[tuple[str, bytes, bytes, type[CallError], str]] = [
    ("a huge header", OK + b"X: " + b"a" * 20_000 + b"\r\n\r\n", b"", ConnectError, HEAD_LIMIT),
    ("a huge status line", b"HTTP/1.1 200 " + b"a" * 20_000 + b"\r\n\r\n", b"", ConnectError, HEAD_LIMIT),
    ("many headers", OK + b"X: a\r\n" * 200 + b"\r\n", b"", ConnectError, MANY),
    ("endless headers", OK, b"X: aaaaaaaaaaaaaaaa\r\n" * 100, ConnectError, MANY),
    ("an endless header", OK + b"X: ", b"a" * 1000, ConnectError, HEAD_LIMIT),
    ("endless trailers", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n" * 99, ConnectError, "too large"),
    ("endless blank lines", b"", b"\r\n" * 1000, CallTimeoutError, LATE),
    ("interim answers without end", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, CallTimeoutError, LATE),
    ("early hints without end", b"", b"HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\n" * 50, CallTimeoutError, LATE),
    ("an endless body", OK + b"\r\n", b"a" * 60_000, BodyError, "larger than 65,536 bytes"),
    (
        "an endless chunk extension",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1;",
        b"a" * 999,
        CallTimeoutError,
        LATE,
    ),
    (
        "endless small chunks",
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\na\r\n" * 99,
        CallError,
        "",
    ),
    ("a chunk of no size", OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc", b"", ConnectError, NOT_HTTP),
    ("a chunk of every size", OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40, b"", ConnectError, NOT_HTTP),
    ("a negative length", OK + b"Content-Length: -5\r\n\r\nabc", b"", ConnectError, NOT_HTTP),
    ("a signed length", OK + b"Content-Length: +2\r\n\r\n{}", b"", ConnectError, NOT_HTTP),
    ("a length of 30 digits", OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("a length of 5 TB", OK + b"Content-Length: 5000000000000\r\n\r\n", b"", BodyError, "5,000,000,000,000 bytes are"),
    ("two lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", b"", ConnectError, NOT_HTTP),
    ("a length twice", OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", b"", ConnectError, NOT_HTTP),
    (
        "a length and chunks",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"",
        ConnectError,
        NOT_HTTP,
    ),
    ("a coding nobody knows", OK + b"Transfer-Encoding: xyz\r\n\r\nabc", b"", BodyError, "transferred as 'xyz'"),
    (
        "two codings",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"",
        BodyError,
        "transferred as 'gzip, chunked'",
    ),
    ("a NUL in a header", OK + b"X: a\0b\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("a CR in a header", OK + b"X: a\rEvil: 1\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("a space in a name", OK + b"X Y: a\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("a name that is not ASCII", OK + b"X\xe9: a\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("a line without a name", OK + b"abc\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("a body of 204", b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc", b"", ConnectError, NOT_HTTP),
    ("a body of 304", b"HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\nabc", b"", CallError, ""),
    ("HTTP/0.9", b"<html>hello</html>", b"", ConnectError, NOT_HTTP),
    ("any bytes", bytes(range(256)) * 4, b"", ConnectError, NOT_HTTP),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00", b"", ConnectError, NOT_HTTP),
    ("HTTP/9.9", b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("a status of 5 digits", b"HTTP/1.1 20000 OK\r\nContent-Length: 0\r\n\r\n", b"", ConnectError, NOT_HTTP),
    ("the status 000", b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", b"", StatusError, "answered 0"),
    ("another protocol", b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", b"", StatusError, "101"),
    (
        "a bomb",
        _body(gzip.compress(bytes(20_000_000)), head=b"Content-Encoding: gzip\r\n"),
        b"",
        BodyError,
        "larger than 65,536 bytes",
    ),
    (
        "packed 999 times",
        _body(b"x", head=b"Content-Encoding: " + b"gzip, " * 999 + b"\r\n"),
        b"",
        BodyError,
        "",
    ),
    (
        "half a character in a host",
        b"HTTP/1.1 302 F\r\nLocation: //\xe9\xff\r\n\r\n",
        b"",
        StatusError,
        "not followed",
    ),
]


@pytest.mark.parametrize("start,more,kind,words", [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
async def test_an_answer_that_attacks_ends_in_an_error(
    start: bytes, more: bytes, kind: type[CallError], words: str
) -> None:
    """Of a type of ours, within the limits, and told without what was sent."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(start)
            while more:
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0)

    records: list[CallRecord] = []
    async with await asyncio.start_server(talk, "127.0.0.1", 0) as listener:
        base = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        seconds = 0.25 if words == LATE else 30
        with pytest.raises(kind) as caught:
            await call(base, Request("GET", base), seconds=seconds, max_body_bytes=64 * 1024, on_call=records.append)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 700
    assert format_call(records[0]).isprintable()


ACCEPTED: list[tuple[str, bytes, object, str | None]] = [
    ("Latin-1 in a header", OK + b"X: caf\xe9\r\nContent-Length: 0\r\n\r\n", None, "café"),
    ("UTF-8 in a header", OK + "X: café\r\nContent-Length: 0\r\n\r\n".encode(), None, "café"),
    ("an escape in a header", OK + b"X: a\x1b[31mb\r\nContent-Length: 0\r\n\r\n", None, "a\ufffd[31mb"),
    ("a folded header", OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", None, "a b"),
    ("half a character", _body(b'"a\\ud83d"'), "a\ufffd", None),
    ("the other half", _body(b'"\\ude00a \\ud83d\\ude00 \\\\ud83d"'), "\ufffda 😀 \\ud83d", None),
    ("UTF-7", _body(b"+ADw-script+AD4-", "text/plain; charset=utf-7"), "+ADw-script+AD4-", None),
    ("no codec of text", _body(b"hello", "text/plain; charset=rot13"), "hello", None),
    ("a codec that packs", _body(b"hello", "text/plain; charset=zlib"), "hello", None),
    ("a codec of names", _body(b"xn--caf-dma", "text/plain; charset=idna"), "xn--caf-dma", None),
    ("a codec of Python", _body(b"\\x41", "text/plain; charset=unicode_escape"), "\\x41", None),
    ("a charset of many letters", _body(b"hello", "text/plain; charset=" + "x" * 9000), "hello", None),
    ("a path as charset", _body(b"hello", "text/plain; charset=../../x"), "hello", None),
]


@pytest.mark.parametrize("script,data,header", [case[1:] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
async def test_an_answer_that_is_odd_is_read_so_that_it_can_be_kept(
    serve_raw: ServeRaw, script: bytes, data: object, header: str | None
) -> None:
    """As text that a log, a database and the next call take."""
    server = await serve_raw([script])
    response = await call(server.base, Request("GET", server.base))
    assert (response.data(), response.headers.get("x")) == (data, header)
    str(response.plain()).encode()


async def test_a_charset_does_not_make_reading_slow(serve_raw: ServeRaw) -> None:
    """Punycode takes time that grows with the square of its length."""
    body = b"a" * 200_000 + b"-" + b"a9" * 100_000
    server = await serve_raw([_body(body, "text/plain; charset=punycode")])
    response = await call(server.base, Request("GET", server.base))
    began = time.process_time()
    assert response.text() == body.decode()
    assert time.process_time() - began < 1


UNKEPT = [
    (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    (b"[" * 101 + b"]" * 101, "nested too deeply"),
    (b"[1, {" + b'"a": -1e999' + b"}]", "a number that is too large"),
    (b"9" * 5000, "4300"),
    (b'["\\u0000"]', "the character U+0000"),
    (b'{"\\\\\\u0000": 1}', "the character U+0000"),
    (b'"\x01"', "Invalid control character"),
]


@pytest.mark.parametrize("body,words", UNKEPT, ids=[words for _, words in UNKEPT])
async def test_json_that_cannot_be_kept_is_an_error(serve_raw: ServeRaw, body: bytes, words: str) -> None:
    """Neither too deep to walk through, nor with what no database takes; what is said of it is short."""
    server = await serve_raw([_body(body)])
    response = await call(server.base, Request("GET", server.base))
    with pytest.raises(BodyError) as caught:
        response.data()
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_json_of_a_hundred_levels_is_read() -> None:
    """As deep as anything that means something."""
    body = b"[" * 100 + b"]" * 100
    response = Response(200, Headers({"Content-Type": "application/json"}), body, "http://h/", timedelta(0))
    assert str(response.data()) == body.decode()


async def test_a_body_that_is_packed_is_not_read_of_a_head(serve_raw: ServeRaw) -> None:
    """An answer to HEAD has none, whatever it says."""
    server = await serve_raw([OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"])
    assert (await call(server.base, Request("HEAD", server.base))).data() is None


async def test_an_error_body_cannot_forge_lines_of_the_log(serve_raw: ServeRaw) -> None:
    """Line breaks, escapes of terminals and changes of direction become spaces."""
    body = "a\r\nINFO: all is well\x1b[2J \u202egnp\0".encode()
    server = await serve_raw([b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)])
    with pytest.raises(StatusError, match=r"a INFO: all is well \[2J gnp$") as caught:
        await call(server.base, Request("GET", server.base))
    assert str(caught.value).isprintable()
