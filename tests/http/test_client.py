"""The client against real servers: what is sent, what comes back, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from datetime import timedelta

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import BodyError, RequestError, StatusError
from airflow_provider_gimme.http import BasicAuth, BearerAuth, CallRecord, Client, HeaderAuth, Redactor, Request
from airflow_provider_gimme.http.auth import ApiKeyAuth, Auth, NoAuth
from tests.http.conftest import SECOND, Serve, call

MB = 1024 * 1024


async def test_an_answer_comes_back_whole(serve: Serve) -> None:
    """Status, headers by any case, body, URL and time are those of the answer."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"n": 1}, status=201, headers={"X-Thing": "a"})

    server = await serve(handler)
    response = await call(server.base, Request("POST", f"{server.base}/v1/x", (("q", "ä b&c"),), {"X-A": "1"}, b"{}"))
    assert (response.status, response.data(), response.headers["x-THING"]) == (201, {"n": 1}, "a")
    assert response.url == f"{server.base}/v1/x?q=%C3%A4%20b%26c"
    assert timedelta(0) < response.elapsed < 30 * SECOND
    assert server.lines == ["POST /v1/x?q=%C3%A4%20b%26c"]
    assert (server.bodies, server.calls[0].headers["X-A"]) == ([b"{}"], "1")


async def test_what_is_percent_encoded_stays_so(serve: Serve) -> None:
    """A server sees the path as it was written: what means something encoded is not decoded on the way."""
    server = await serve()
    await call(server.base, Request("GET", f"{server.base}/a%2Fb%2c%7Ec/100%/é x?q=1%2B1+2&r=[$]"))
    assert server.lines == ["GET /a%2Fb%2c%7Ec/100%25/%C3%A9%20x?q=1%2B1+2&r=[$]"]


async def test_a_call_says_who_makes_it_and_nothing_that_it_was_not_told(serve: Serve) -> None:
    """There is no Content-Type without one, no cookie, and a User-Agent of our own that a workflow may replace."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(headers={"Set-Cookie": "session=1"})

    server = await serve(handler)
    base = server.base.replace("127.0.0.1", "localhost")
    async with Client(base) as client:
        await client.send(Request("POST", f"{base}/", body=b"x"), timeout=SECOND)
        await client.send(Request("GET", f"{base}/", headers={"user-agent": "mine"}), timeout=SECOND)
    first, second = (call.headers for call in server.calls)
    assert first["User-Agent"].startswith("airflow-provider-gimme/")
    assert set(first) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Content-Length"}
    assert second["User-Agent"] == "mine"
    assert "Cookie" not in second


async def test_calls_of_a_client_share_its_connections(serve: Serve) -> None:
    """One connection serves calls after one another."""
    ports = []

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        return web.Response()

    server = await serve(handler)
    async with Client(server.base) as client:
        for _ in range(3):
            await client.send(Request("GET", server.base), timeout=SECOND)
    assert len(set(ports)) == 1


async def test_a_large_body_is_sent_whole(serve: Serve) -> None:
    """With its length announced."""
    server = await serve()
    body = bytes(range(256)) * 8192
    await call(server.base, Request("POST", server.base, body=body))
    assert server.bodies == [body]
    assert server.calls[0].headers["Content-Length"] == str(len(body))


AUTHS: list[tuple[Auth, dict[str, str], str]] = [
    (NoAuth(), {}, "/x?a=1"),
    (BearerAuth("s3cr3t"), {"Authorization": "Bearer s3cr3t"}, "/x?a=1"),
    (ApiKeyAuth("s3cr3t"), {"X-API-Key": "s3cr3t"}, "/x?a=1"),
    (ApiKeyAuth("s3&t", "key", "query"), {}, "/x?a=1&key=s3%26t"),
    (BasicAuth("ann", "pä:ss"), {"Authorization": "Basic YW5uOnDDpDpzcw=="}, "/x?a=1"),
    (HeaderAuth({"X-One": "1", "x-two": "Token 2"}), {"X-One": "1", "X-Two": "Token 2"}, "/x?a=1"),
]


@pytest.mark.parametrize("auth,headers,path", AUTHS, ids=[type(auth).__name__ for auth, _, _ in AUTHS])
async def test_credentials_are_sent_as_their_type_says(
    serve: Serve, auth: Auth, headers: dict[str, str], path: str
) -> None:
    """Each type puts its credentials in its own place, also where the request had something there."""
    server = await serve()
    await call(
        server.base,
        Request("GET", f"{server.base}/x?a=1", headers=dict.fromkeys(map(str.lower, headers), "")),
        auth=auth,
    )
    assert server.lines == [f"GET {path}"]
    assert {name: server.calls[0].headers.getall(name) for name in headers} == {k: [v] for k, v in headers.items()}


def test_a_key_of_the_query_replaces_the_one_that_stands_there() -> None:
    """A redirect's own URL may repeat the key; it is sent once."""
    signed = ApiKeyAuth("new", "key", "query").sign(Request("GET", "http://h/x?key=old&b=1", (("key", "older"),)))
    assert signed.target == "http://h/x?b=1&key=new"
    assert ApiKeyAuth("new", "key", "query").sign(Request("GET", "http://h/x?key=old")).target == "http://h/x?key=new"


async def test_credentials_may_not_leave_the_origin(serve: Serve) -> None:
    """What an auth makes of a request is checked like the request itself."""

    class Leaving(Auth):
        def sign(self, request: Request) -> Request:
            return Request("GET", "http://localhost:9/x")

    server = await serve()
    with pytest.raises(RequestError, match="base's own origin"):
        await call(server.base, Request("GET", f"{server.base}/x"), auth=Leaving(), allow_hosts=["localhost"])


REFUSED = [
    ("GET", "{base}/a/../b", {}, "'..'"),
    ("GET", "{base}/a/%2e%2E/b", {}, "'..'"),
    ("GET", "{base}/a/..%2Fb", {}, "'..'"),
    ("GET", "{base}/a\\..\\b", {}, "'..'"),
    ("GET", "{base}/a\r\nX-Evil: 1", {}, "control character"),
    ("GET", "{base}/", {"X-A": "a\r\nX-Evil: 1"}, "header 'X-A' has a control character ('\\r') in it"),
    ("GET", "{base}/", {"X-A": "abc\n"}, "at its end; does the secret end with a line break?"),
    ("GET", "{base}/", {"X-A\r\nX-Evil": "1"}, "is not a header's name"),
    ("GET", "{base}/", {"": "1"}, "is not a header's name"),
    ("GET", "{base}/", {"Content-Length": "5"}, "set by the engine itself"),
    ("GET", "{base}/", {"transfer-encoding": "chunked"}, "set by the engine itself"),
    ("GET / HTTP/1.1\r\nX-Evil:", "{base}/", {}, "is not a method"),
    ("get", "{base}/", {}, "is not a method"),
    ("GET", "http://localhost:9/", {}, "list 'localhost' in 'allow_hosts'"),
    ("GET", "https://{host}/", {}, "but the base is http://127.0.0.1:"),
    ("GET", "http://127.0.0.1:1/", {}, "it goes to http://127.0.0.1:1"),
    ("GET", "http://user:pw@{host}/", {}, "no user or password"),
    ("GET", "http://{host}@evil.example/", {}, "no user or password"),
    ("GET", "http://{host}\\@evil.example/", {}, "no user or password"),
    ("GET", "file:///etc/passwd", {}, "begins with http:// or https://"),
    ("GET", "/relative", {}, "begins with http:// or https://"),
    ("GET", "http://", {}, "has no host"),
    ("GET", "http://a b/", {}, "'a b' is not a host"),
    ("GET", "http://h:99999/", {}, "port"),
    ("GET", "http://h:x/", {}, "port"),
    ("GET", "http://\u2100\u2100..x/", {}, ""),
    ("GET", "http://[::1/", {}, ""),
    ("GET", "http://ü..example/", {}, "'ü..example' is not a host"),
]


@pytest.mark.parametrize("method,url,headers,words", REFUSED)
async def test_what_may_not_be_sent_is_not_sent(
    serve: Serve, method: str, url: str, headers: dict[str, str], words: str
) -> None:
    """The error says what is wrong, and the server has seen nothing."""
    server = await serve()
    records: list[CallRecord] = []
    request = Request(method, url.replace("{base}", server.base).replace("{host}", server.host), headers=headers)
    with pytest.raises(RequestError) as caught:
        await call(server.base, request, on_call=records.append)
    assert words in str(caught.value)
    assert "not sent: " in str(caught.value)
    assert (caught.value.sent, caught.value.retryable, server.calls) == (False, False, [])
    assert [(record.status, record.error is None) for record in records] == [(None, False)]


async def test_a_token_with_a_line_break_is_not_sent_and_not_shown(serve: Serve) -> None:
    """The most common broken secret has its own words, without its value."""
    server = await serve()
    with pytest.raises(RequestError) as caught:
        await call(server.base, Request("GET", server.base), auth=BearerAuth("s3cr3t\n"))
    assert "does the secret end with a line break?" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert server.calls == []


@pytest.mark.parametrize("base", ["", "ftp://h", "https://", "h/v1", "https://user:s3cr3t@h/", "http://[x"])
def test_a_base_must_be_the_url_of_an_origin(base: str) -> None:
    """A base that is none is refused when the client is made."""
    with pytest.raises(RequestError, match="the base URL cannot be used") as caught:
        Client(base)
    assert "s3cr3t" not in str(caught.value)


async def test_a_client_is_opened_before_it_is_used() -> None:
    """Using it outside of `async with` is told as what it is."""
    client = Client("http://h")
    with pytest.raises(RuntimeError, match="async with"):
        await client.send(Request("GET", "http://h"), timeout=SECOND)
    await client.__aexit__(None, None, None)


@pytest.mark.parametrize(
    "request_", [Request("GET", "http://s3cr3t.example/"), Request("GET", "http://h/", headers={"s3cr3t\n": "x"})]
)
async def test_why_a_request_is_not_sent_is_told_without_secrets(request_: Request) -> None:
    """A secret in the wrong place, such as a host or a header's name, is hidden in the reason too."""
    with pytest.raises(RequestError, match=r"not sent: .*\*\*\*") as caught:
        await call("http://h", request_, redactor=Redactor(["s3cr3t"]))
    assert "s3cr3t" not in str(caught.value)


async def test_an_allowed_host_is_called_without_credentials(serve: Serve) -> None:
    """No credential header goes along, neither the auth's nor one that holds a known secret."""
    own, other = await serve(), await serve()
    headers = {"Authorization": "x", "Cookie": "c", "X-Tenant": "t-9", "X-Trace": "1", "x-api-key": "mine"}
    await call(
        own.base,
        Request("POST", f"{other.base}/up", headers=headers, body=b"b"),
        auth=ApiKeyAuth("s3cr3t"),
        allow_hosts=[other.host],
        redactor=Redactor(["t-9"]),
    )
    assert other.lines == ["POST /up"]
    assert not {"Authorization", "Cookie", "X-Tenant", "X-API-Key"} & set(other.calls[0].headers)
    assert other.calls[0].headers["X-Trace"] == "1"


@pytest.mark.parametrize("entry,allowed", [("127.0.0.1", True), ("LOCALHOST.", False), ("127.0.0.1:1", False)])
async def test_an_allowed_host_is_a_name_or_a_name_and_a_port(serve: Serve, entry: str, allowed: bool) -> None:  # noqa: FBT001
    """A name stands for any port."""
    own, other = await serve(), await serve()
    if allowed:
        assert (await call(own.base, Request("GET", other.base), allow_hosts=[entry])).status == 200
    else:
        with pytest.raises(RequestError):
            await call(own.base, Request("GET", other.base), allow_hosts=[entry])


async def test_a_status_that_is_not_expected_is_an_error_that_tells_all(serve: Serve) -> None:
    """Status, headers with small names, excerpt, asked wait, attempt and time are there; secrets are not."""

    async def handler(request: web.Request) -> web.Response:
        text = "no: s3cr3t\n\n" + "x" * 1000
        return web.Response(
            status=429, text=text, headers={"Retry-After": "7", "X-Echo": "s3cr3t", "Set-Cookie": "a=b"}
        )

    server = await serve(handler)
    with pytest.raises(StatusError) as caught:
        await call(
            server.base, Request("GET", f"{server.base}/s3cr3t/x?key=s3cr3t"), attempt=2, redactor=Redactor(["s3cr3t"])
        )
    error = caught.value
    assert (error.status, error.retry_after, error.attempt, error.method) == (429, timedelta(seconds=7), 2, "GET")
    assert error.url == f"{server.base}/***/x?key=***"
    assert (error.headers["retry-after"], error.headers["x-echo"], error.headers["set-cookie"]) == ("7", "***", "***")
    assert error.excerpt == ("no: *** " + "x" * 1000)[:500]
    assert str(error).startswith(f"GET {error.url}: answered 429 (Too Many Requests); asks to wait 7 s: no: *** xx")
    assert (error.sent, error.retryable, error.elapsed > timedelta(0)) == (True, True, True)
    assert error.__cause__ is error.__context__ is None


async def test_what_is_expected_is_the_callers_to_say(serve: Serve) -> None:
    """An expected 404 is an answer, an unexpected 200 is an error."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=404 if request.path == "/none" else 299, text="gone")

    server = await serve(handler)
    response = await call(server.base, Request("GET", f"{server.base}/none"), expected=lambda status: status == 404)
    assert response.data() == "gone"
    with pytest.raises(StatusError, match=r"answered 299: gone"):
        await call(server.base, Request("GET", f"{server.base}/"), expected=lambda status: status == 404)


@pytest.mark.parametrize(
    "encoding",
    ["gzip", "x-gzip", "deflate", "raw deflate", "members", "identity", "padded", "one byte behind", "deflate, padded"],
)
async def test_a_compressed_body_is_unpacked(serve: Serve, encoding: str) -> None:
    """In every form that servers send: zlib or raw deflate, gzip of several members, padded with zeros."""
    text = json.dumps([{"n": n, "text": "abc" * 50} for n in range(2000)]).encode()
    raw = zlib.compressobj(wbits=-15)
    bodies = {
        "deflate": zlib.compress(text),
        "raw deflate": raw.compress(text) + raw.flush(),
        "members": gzip.compress(text[:500]) + gzip.compress(b"") + gzip.compress(text[500:]),
        "identity": text,
        "padded": gzip.compress(text) + bytes(20),
        "deflate, padded": zlib.compress(text) + bytes(20),
        "one byte behind": gzip.compress(text) + b"\x1f",
    }

    async def handler(request: web.Request) -> web.StreamResponse:
        name = {
            "raw deflate": "deflate",
            "members": "gzip",
            "padded": "gzip",
            "one byte behind": "gzip",
            "deflate, padded": "deflate",
        }.get(encoding, encoding)
        answer = web.StreamResponse(headers={"Content-Encoding": name, "Content-Type": "application/json"})
        await answer.prepare(request)
        body = bodies.get(encoding, gzip.compress(text))
        size = 1 if len(body) < 5000 else 1000
        for start in range(0, len(body), size):
            await answer.write(body[start : start + size])
        return answer

    server = await serve(handler)
    assert (await call(server.base, Request("GET", server.base))).body == text


@pytest.mark.parametrize(
    "encoding,body,words",
    [
        ("gzip", b"plain", "compressed by gzip, and is not"),
        ("deflate", b"\x07plain", "compressed by deflate, and is not"),
        ("gzip", gzip.compress(b"") * 1001, "made of more than 1000 gzip streams"),
        ("compress", b"x", "compressed by 'compress', which was not asked for"),
    ],
)
async def test_a_body_that_is_not_compressed_as_it_says_is_an_error(
    serve: Serve, encoding: str, body: bytes, words: str
) -> None:
    """It is the body's error, and another attempt would not help."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    server = await serve(handler)
    with pytest.raises(BodyError, match=words) as caught:
        await call(server.base, Request("GET", server.base))
    assert (caught.value.sent, caught.value.retryable) == (True, False)


async def test_a_packed_body_of_any_size_comes_to_its_end(serve: Serve) -> None:
    """Also where its last bits are read before the last of what they stand for is unpacked."""

    async def handler(request: web.Request) -> web.Response:
        packer = zlib.compressobj(9, wbits=-15)
        body = packer.compress(bytes(int(request.query["n"]))) + packer.flush()
        return web.Response(body=body, headers={"Content-Encoding": "deflate"})

    server = await serve(handler)
    async with Client(server.base) as client:
        for n in (*range(65_530, 65_800, 9), 65_536, 65_537):
            answer = await client.send(Request("GET", server.base, (("n", str(n)),)), timeout=SECOND)
            assert len(answer.body) == n


async def test_a_body_within_the_limit_is_read(serve: Serve) -> None:
    """Exactly 5 MB are a body as any other."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 5 * MB)

    server = await serve(handler)
    assert len((await call(server.base, Request("GET", server.base))).body) == 5 * MB


async def test_a_body_beyond_the_limit_is_not_read_to_its_end(serve: Serve) -> None:
    """Without an announced length, reading stops at the limit; the error names limit and size, and says what to do."""
    written = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal written
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(400):
            await answer.write(b"x" * MB)
            written += 1
        return answer

    server = await serve(handler)
    with pytest.raises(BodyError) as caught:
        await call(server.base, Request("GET", server.base))
    assert "larger than 5 MB (stopped after 5," in str(caught.value)
    assert "ask the API for less at once" in str(caught.value)
    assert written < 100


async def test_a_body_that_announces_too_much_is_not_read_at_all(serve: Serve) -> None:
    """The announced length is enough to refuse it."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 2000)

    server = await serve(handler)
    with pytest.raises(BodyError, match=r"larger than 1,000 bytes \(2,000 bytes are announced, none was read\)"):
        await call(server.base, Request("GET", server.base), max_body_bytes=1000)
    head = await call(server.base, Request("HEAD", server.base), max_body_bytes=1000)
    assert (head.body, head.headers["content-length"]) == (b"", "2000")


async def test_a_bomb_is_seen_before_it_is_unpacked(serve: Serve) -> None:
    """200 MB of zeros in 200 kB of gzip costs no more than the limit."""
    import tracemalloc

    packer = zlib.compressobj(1, wbits=31)
    bomb = b"".join([*(packer.compress(bytes(MB)) for _ in range(200)), packer.flush()])

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    server = await serve(handler)
    tracemalloc.start()
    with pytest.raises(BodyError, match="larger than 5 MB"):
        await call(server.base, Request("GET", server.base))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * MB


async def test_a_large_body_of_an_error_does_not_hide_its_status(serve: Serve) -> None:
    """Of an answer that is not expected, the start is read, whatever the rest is."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500, body=b"y" * 9 * MB)

    server = await serve(handler)
    with pytest.raises(StatusError) as caught:
        await call(server.base, Request("GET", server.base))
    assert (caught.value.status, caught.value.excerpt) == (500, "y" * 500)


async def test_each_attempt_leaves_one_record(serve: Serve) -> None:
    """Method, redacted URL, status, milliseconds, attempt, bytes and error, for a good answer and a bad one."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=int(request.path[1:]), text="s3cr3t!" if request.path == "/500" else "")

    server = await serve(handler)
    records: list[CallRecord] = []
    async with Client(server.base, auth=BearerAuth("s3cr3t"), on_call=records.append) as client:
        await client.send(Request("GET", f"{server.base}/200?token=s3cr3t"), timeout=SECOND)
        for path in ("500", "404"):
            with pytest.raises(StatusError):
                await client.send(Request("POST", f"{server.base}/{path}"), timeout=SECOND, attempt=3)
    good, bad, empty = records
    assert (good.method, good.url, good.status, good.attempt) == ("GET", f"{server.base}/200?token=***", 200, 1)
    assert (good.bytes_received, good.error, good.redirects) == (0, None, 0)
    assert 0 < good.ms < 30_000
    assert (bad.status, bad.attempt, bad.bytes_received, bad.error) == (500, 3, 7, "***!")
    assert empty.error == "not an expected status"


async def test_calls_side_by_side_do_not_mix(serve: Serve) -> None:
    """A hundred calls of one client each get their own answer."""

    async def handler(request: web.Request) -> web.Response:
        await asyncio.sleep(0.01)
        return web.json_response({"n": request.query["n"]})

    server = await serve(handler)
    async with Client(server.base) as client:
        sent = (client.send(Request("GET", server.base, (("n", str(n)),)), timeout=5 * SECOND) for n in range(100))
        answers = await asyncio.gather(*sent)
    assert [answer.data()["n"] for answer in answers] == [str(n) for n in range(100)]
