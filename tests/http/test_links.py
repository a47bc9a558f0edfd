"""Which links of an answer are followed (to a next page, to a job), and with what."""

from __future__ import annotations

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import RequestError
from airflow_provider_gimme.http import ApiKeyAuth, BearerAuth, Client, Request
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.targets import Targets
from tests.http.conftest import SECOND, Serve

TARGETS = Targets.of("https://api.example/v1", ["cdn.example"])
ASKED = Request("POST", "https://api.example/v1/items", (("page", "1"),), {"X-A": "1"}, b"{}")

FOLLOWED = [
    ("?page=2", "https://api.example/v1/items?page=2"),
    ("more?page=2#top", "https://api.example/v1/more?page=2"),
    ("/v2/items?after=a%2Fb", "https://api.example/v2/items?after=a%2Fb"),
    ("//API.example:443/x", "https://API.example:443/x"),
    ("https://api.example/v1/items?q=a b&c=é", "https://api.example/v1/items?q=a%20b&c=%C3%A9"),
    ("../jobs/7", "https://api.example/jobs/7"),
]


@pytest.mark.parametrize("link,url", FOLLOWED)
def test_a_link_is_resolved_against_where_it_came_from(link: str, url: str) -> None:
    """Its own query takes the place of the request's; within the origin the rest of the request stays."""
    followed = TARGETS.follow(ASKED, link, Redactor())
    assert followed == Request("POST", url, (), {"X-A": "1"}, b"{}")


def test_a_relative_link_is_relative_to_where_a_redirect_led() -> None:
    """What answered is what its links are written for."""
    followed = TARGETS.follow(ASKED, "two", Redactor(), source="https://api.example/elsewhere/one")
    assert isinstance(followed, Request)
    assert followed.url == "https://api.example/elsewhere/two"


REFUSED = [
    ("", "is empty"),
    ("/x\r\nHost: evil", "control character"),
    ("https://evil.example/x", "list 'evil.example' in 'allow_hosts'"),
    ("//evil.example/x", "list 'evil.example' in 'allow_hosts'"),
    ("https://api.example@evil.example/", "no user or password"),
    ("https://evil.example\\@api.example/", "no user or password"),
    ("https://api.example.evil.example/", "list 'api.example.evil.example'"),
    ("https://api.example:8443/", "it goes to https://api.example:8443"),
    ("http://api.example/", "it goes to http://api.example"),
    ("http://cdn.example/", "it leads from https to http"),
    ("file:///etc/passwd", "begins with http:// or https://"),
    ("https://[bad/", "does not lead to a URL"),
    ("/a/%2e%2e/b", "'..'"),
    ("https://cdn.example/?k=s%33cr3t", "would carry a secret to another host"),
    ("/" + "x" * 70_000, "70,001 characters long"),
]


@pytest.mark.parametrize("link,words", REFUSED, ids=[words for _, words in REFUSED])
def test_a_link_elsewhere_is_refused(link: str, words: str) -> None:
    """The reason is in words, and has no secret."""
    reason = TARGETS.follow(ASKED, link, Redactor(["s3cr3t"]))
    assert isinstance(reason, str)
    assert reason.startswith("the link is not followed: ")
    assert words in reason
    assert "s3cr3t" not in reason


def test_a_link_to_an_allowed_host_has_no_body() -> None:
    """What was for the API is not for another host."""
    followed = TARGETS.follow(ASKED, "https://cdn.example/x", Redactor())
    assert isinstance(followed, Request)
    assert followed.body is None


def test_an_allowed_host_may_not_choose_what_is_called_with_credentials() -> None:
    """Its links lead to itself and other allowed hosts, not back to the base."""
    source = "https://cdn.example/list"
    onward = TARGETS.follow(ASKED, "?page=2", Redactor(), source=source)
    assert isinstance(onward, Request)
    assert onward.url == "https://cdn.example/list?page=2"
    reason = TARGETS.follow(ASKED, "https://api.example/admin", Redactor(), source=source)
    assert "https://cdn.example may not send a call back to https://api.example" in str(reason)


async def test_a_client_follows_links_with_credentials_at_home_only(serve: Serve) -> None:
    """A page of another host gets none; a link elsewhere is an error without secrets."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({})

    own, other = await serve(handler), await serve(handler)
    async with Client(own.base, auth=BearerAuth("t0k3n"), allow_hosts=[other.host]) as client:
        request = Request("GET", f"{own.base}/items?access_token=abc")
        answer = await client.send(request, timeout=SECOND)
        for link in ("?page=2", f"{other.base}/x"):
            await client.send(client.follow(request, answer, link), timeout=SECOND)
        with pytest.raises(RequestError, match=r"GET http://.*/items\?access_token=\*\*\*: the link is not") as caught:
            client.follow(request, answer, "http://evil.invalid/t0k3n")
    assert own.lines[1] == "GET /items?page=2"
    assert ["Authorization" in call.headers for call in (*own.calls, *other.calls)] == [True, True, False]
    assert (caught.value.sent, caught.value.retryable) == (False, False)
    assert "t0k3n" not in str(caught.value)


async def test_a_link_that_repeats_the_key_does_not_double_it(serve: Serve) -> None:
    """Servers build links from the request they got, key included."""
    server = await serve()
    async with Client(server.base, auth=ApiKeyAuth("s3cr3t", "key", "query")) as client:
        request = Request("GET", f"{server.base}/items")
        answer = await client.send(request, timeout=SECOND)
        await client.send(client.follow(request, answer, "?key=s3cr3t&page=2"), timeout=SECOND)
    assert server.lines[1] == "GET /items?page=2&key=s3cr3t"
