"""Which redirects are followed, how far, and with what."""

from __future__ import annotations

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import StatusError
from airflow_provider_gimme.http import ApiKeyAuth, BearerAuth, CallRecord, Request
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.targets import Targets
from tests.http.conftest import Serve, Server, call


def _leads(status: int, location: str | None) -> web.Response:
    return web.Response(status=status, text="look there", headers={} if location is None else {"Location": location})


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_get_and_head_are_followed_with_credentials(serve: Serve, method: str, status: int) -> None:
    """Within the origin, method, headers and credentials stay; the target's query is the location's own."""

    async def handler(request: web.Request) -> web.Response:
        return _leads(status, "../there?b=%2F2#part") if request.path == "/a/here" else web.Response(text="found")

    server = await serve(handler)
    records: list[CallRecord] = []
    request = Request(method, f"{server.base}/a/here", (("q", "1"),), {"X-A": "1"})
    response = await call(server.base, request, auth=BearerAuth("t"), on_call=records.append)
    assert server.lines == [f"{method} /a/here?q=1", f"{method} /there?b=%2F2"]
    assert [(c.headers["Authorization"], c.headers["X-A"]) for c in server.calls] == [("Bearer t", "1")] * 2
    assert response.url == f"{server.base}/there?b=%2F2"
    assert [record.redirects for record in records] == [1]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_judged_by_their_status(serve: Serve, method: str) -> None:
    """A redirect of what changes things is an error that says so, or an answer where it is expected."""

    async def handler(request: web.Request) -> web.Response:
        return _leads(307, "/there")

    server = await serve(handler)
    with pytest.raises(StatusError, match=f"a redirect of {method} is not followed: look there") as caught:
        await call(server.base, Request(method, server.base))
    assert (caught.value.status, caught.value.headers["location"]) == (307, "/there")
    response = await call(server.base, Request(method, server.base), expected=lambda status: status == 307)
    assert response.status == 307
    assert len(server.calls) == 2


@pytest.mark.parametrize("status", [300, 304, 305, 306])
async def test_another_3xx_is_an_answer(serve: Serve, status: int) -> None:
    """What does not say where else to look is judged by its status."""

    async def handler(request: web.Request) -> web.Response:
        return _leads(status, "/there")

    server = await serve(handler)
    with pytest.raises(StatusError, match=f"answered {status}"):
        await call(server.base, Request("GET", server.base))
    assert (await call(server.base, Request("GET", server.base), expected=lambda status: status < 400)).status == status


async def test_an_expected_redirect_is_not_followed(serve: Serve) -> None:
    """Who expects a 302 wants to read its Location."""

    async def handler(request: web.Request) -> web.Response:
        return _leads(302, "/there")

    server = await serve(handler)
    response = await call(server.base, Request("GET", server.base), expected=lambda status: status == 302)
    assert response.headers["location"] == "/there"
    assert len(server.calls) == 1


@pytest.mark.parametrize("redirects", [5, 6])
async def test_five_redirects_are_followed_and_no_more(serve: Serve, redirects: int) -> None:
    """The sixth is an error that says so."""

    async def handler(request: web.Request) -> web.Response:
        left = int(request.query["left"])
        return _leads(302, f"?left={left - 1}") if left else web.Response()

    server = await serve(handler)
    request = Request("GET", f"{server.base}/?left={redirects}")
    if redirects == 5:
        assert (await call(server.base, request)).status == 200
    else:
        with pytest.raises(StatusError, match="5 redirects were followed already"):
            await call(server.base, request)
    assert len(server.calls) == 6


REFUSED = [
    (None, "does not say where to"),
    ("", "does not say where to"),
    ("http://localhost:1/x", "list 'localhost' in 'allow_hosts'"),
    ("//localhost:1/x", "list 'localhost' in 'allow_hosts'"),
    ("http://ann:pw@127.0.0.1/", "no user or password"),
    ("ftp://localhost/", "begins with http:// or https://"),
    ("javascript:alert(1)", "begins with http:// or https://"),
    ("/a/%2e%2e/b", "'..'"),
]


@pytest.mark.parametrize("location,words", REFUSED)
async def test_a_redirect_elsewhere_is_not_followed(serve: Serve, location: str | None, words: str) -> None:
    """The error is the status', and says why."""

    async def handler(request: web.Request) -> web.Response:
        return _leads(302, location)

    server = await serve(handler)
    with pytest.raises(StatusError) as caught:
        await call(server.base, Request("GET", server.base))
    assert words in str(caught.value)
    assert len(server.calls) == 1


async def _two(serve: Serve, location: str) -> tuple[Server, Server]:
    """Start a server that redirects to another one, which redirects back where it is told so."""
    own: Server

    async def there(request: web.Request) -> web.Response:
        return _leads(302, f"{own.base}/end") if request.path == "/back" else web.Response(text="found")

    other = await serve(there)

    async def here(request: web.Request) -> web.Response:
        return web.Response(text="end") if request.path == "/end" else _leads(302, other.base + location)

    own = await serve(here)
    return own, other


async def test_an_allowed_host_gets_no_credentials_by_a_redirect(serve: Serve) -> None:
    """Neither the auth's, nor a header with a known secret, nor the body."""
    own, other = await _two(serve, "/x")
    request = Request("GET", own.base, headers={"X-Key": "s3cr3t", "Cookie": "c=1", "X-A": "1"}, body=b"body")
    await call(own.base, request, auth=BearerAuth("t0k3n"), allow_hosts=[other.host], redactor=Redactor(["s3cr3t"]))
    assert not {"Authorization", "X-Key", "Cookie"} & set(other.calls[0].headers)
    assert (other.calls[0].headers["X-A"], other.bodies) == ("1", [b""])


async def test_what_has_left_gets_no_credentials_again(serve: Serve) -> None:
    """An allowed host cannot send us back with credentials to a place of its choice."""
    own, other = await _two(serve, "/back")
    await call(own.base, Request("GET", own.base), auth=BearerAuth("t0k3n"), allow_hosts=[other.host])
    assert own.lines == ["GET /", "GET /end"]
    assert ["Authorization" in call.headers for call in own.calls] == [True, False]


async def test_a_location_that_repeats_the_key_is_not_followed_elsewhere(serve: Serve) -> None:
    """A key of the query, echoed by a redirect, does not reach an allowed host."""
    own, other = await _two(serve, "/x?key=s%33cr3t")
    with pytest.raises(StatusError, match="would carry a secret to another host") as caught:
        await call(
            own.base, Request("GET", own.base), auth=ApiKeyAuth("s3cr3t", "key", "query"), allow_hosts=["127.0.0.1"]
        )
    assert "s3cr3t" not in str(caught.value)
    assert other.calls == []


async def test_the_key_of_the_query_is_sent_once_to_the_own_origin(serve: Serve) -> None:
    """A location that repeats it does not double it."""

    async def handler(request: web.Request) -> web.Response:
        return _leads(302, f"/there?{request.query_string}") if request.path == "/" else web.Response()

    server = await serve(handler)
    await call(server.base, Request("GET", server.base), auth=ApiKeyAuth("s3cr3t", "key", "query"))
    assert server.lines == ["GET /?key=s3cr3t", "GET /there?key=s3cr3t"]


def test_a_redirect_does_not_lead_from_https_to_http() -> None:
    """Not even where the host is allowed."""
    targets = Targets.of("https://api.example/v1", ["cdn.example"])
    answer = targets.redirect(
        Request("GET", "https://api.example/v1"), "http://cdn.example/x", Redactor(), foreign=False
    )
    assert answer == "the redirect is not followed: it leads from https to http"


@pytest.mark.parametrize("url", ["https://API.example:443/x", "https://api.example./x", "HTTPS://api.example"])
def test_an_origin_is_compared_in_its_normal_form(url: str) -> None:
    """Case, default port and the root's dot make no other origin."""
    assert Targets.of("https://api.example", []).trust(url) == "own"


@pytest.mark.parametrize(
    "url", ["http://api.example", "https://api.example:444", "https://xapi.example", "https://example"]
)
def test_another_scheme_port_or_host_is_another_origin(url: str) -> None:
    """Nothing less than scheme, host and port makes an origin."""
    assert Targets.of("https://api.example", []).trust(url) == "other"


def test_a_host_may_be_an_address_or_a_word_of_any_script() -> None:
    """IPv6 addresses and names outside of ASCII are hosts."""
    assert str(Targets.of("http://[::1]:8080/", []).own) == "http://[::1]:8080"
    assert str(Targets.of("https://bücher.example", []).own) == "https://xn--bcher-kva.example"
