"""Tokens: fetched once for all calls, kept until shortly before their end, renewed once when they are refused."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import CallError, CallTimeoutError, ConnectError, StatusError, TokenError
from airflow_provider_gimme.http import CallRecord, Client, OAuth2Auth, Redactor, Request, RetryRules, decide
from tests.http.conftest import SECOND, Serve, ServeRaw

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Api:
    """An API and its token endpoint: what it gives out, what it takes."""

    base: str = ""
    given: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    more: dict[str, Any] = field(default_factory=lambda: {"expires_in": 3600})
    got: list[str] = field(default_factory=list)
    slow: float = 0.0
    failures: list[int] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            await asyncio.sleep(self.slow)
            if self.failures:
                return web.json_response({"error": "temporarily_unavailable"}, status=self.failures.pop(0))
            self.given.append(f"token-{len(self.given) + 1}-s3cr3t")
            self.taken = {self.given[-1]}
            return web.json_response({"access_token": self.given[-1], "token_type": "Bearer", **self.more})
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.got.append(token)
        return web.json_response({"path": request.path}, status=200 if token in self.taken else 401)


@dataclass
class Clock:
    """A clock that is set by hand, and goes on while somebody sleeps."""

    moment: datetime = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


Start = Callable[..., Any]


@pytest.fixture
async def api(serve: Serve) -> Api:
    started = Api()
    started.base = (await serve(lambda request: started.handle(request))).base  # noqa: PLW0108 - a test replaces it
    return started


def auth_of(url: str, **options: Any) -> OAuth2Auth:
    return OAuth2Auth(token_url=url, client_id="me", client_secret="client-s3cr3t", **options)


def client_of(api: Api, clock: Clock, **options: Any) -> Client:
    auth = options.pop("auth", None) or auth_of(f"{api.base}/token")
    return Client(api.base, auth=auth, now=clock.now, sleep=clock.sleep, **options)


async def get(client: Client, api: Api, path: str = "/x", method: str = "GET") -> int:
    request = Request(method, api.base + path, body=b"b" if method == "POST" else None)
    return (await client.send(request, timeout=5 * SECOND)).status


async def test_64_calls_at_once_fetch_one_token(api: Api) -> None:
    """All wait for the one request, and all are made with its token."""
    api.slow = 0.05
    async with client_of(api, Clock()) as client:
        assert await asyncio.gather(*(get(client, api, f"/{n}") for n in range(64))) == [200] * 64
    assert api.given == ["token-1-s3cr3t"]
    assert api.got == ["token-1-s3cr3t"] * 64


@pytest.mark.parametrize(
    "expires_in,after,fetched",
    [(3600, 3539, 1), (3600, 3541, 2), ("3600", 3541, 2), (100, 89, 1), (100, 91, 2), (None, 10**7, 1), (0, 0, 2)],
)
async def test_a_token_is_kept_until_shortly_before_its_end(
    api: Api, expires_in: Any, after: int, fetched: int
) -> None:
    """That is a minute, or a tenth of a short life; without an end it is kept until it is refused."""
    api.more = {"expires_in": expires_in}
    clock = Clock()
    async with client_of(api, clock) as client:
        assert await get(client, api) == 200
        clock.moment += timedelta(seconds=after)
        assert await get(client, api) == 200
    assert len(api.given) == fetched


async def test_a_token_is_kept_over_clients_of_the_same_credentials(api: Api) -> None:
    """Each call of a task may have a client of its own."""
    auth = auth_of(f"{api.base}/token")
    for _ in range(3):
        async with client_of(api, Clock(), auth=auth) as client:
            assert await get(client, api) == 200
    assert len(api.given) == 1


async def test_a_refused_token_is_renewed_once_and_the_call_repeated(api: Api) -> None:
    """The repetition is part of the same attempt, also of a POST, and 64 calls renew it once."""
    records: list[CallRecord] = []
    async with client_of(api, Clock(), on_call=records.append) as client:
        assert await get(client, api) == 200
        api.taken = set()
        api.slow = 0.02
        assert await asyncio.gather(*(get(client, api, "/y", "POST") for _ in range(64))) == [200] * 64
    assert api.given == ["token-1-s3cr3t", "token-2-s3cr3t"]
    assert api.got == [*["token-1-s3cr3t"] * 65, *["token-2-s3cr3t"] * 64]
    assert [(record.status, record.attempt) for record in records] == [(200, 1)] * 65


async def test_a_token_that_another_call_has_renewed_is_taken(api: Api) -> None:
    """A call that hears late that its token is refused does not renew the new one."""
    arrived, late = asyncio.Event(), asyncio.Event()
    handle = api.handle

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = await handle(request)
        if request.path == "/late" and not late.is_set():
            arrived.set()
            await late.wait()
        return answer

    async with client_of(api, Clock()) as client:
        await get(client, api)
        api.taken = set()
        api.handle = handler  # type: ignore[method-assign]
        slow = asyncio.create_task(get(client, api, "/late"))
        await arrived.wait()
        assert await get(client, api, "/early") == 200
        late.set()
        assert await slow == 200
    assert len(api.given) == 2
    assert api.got.count("token-1-s3cr3t") == 3


async def test_a_second_refusal_is_final(api: Api) -> None:
    """A new token that is refused as well is the API's word: one renewal, an error 401 that is not retried."""
    async with client_of(api, Clock()) as client:
        api.taken = set()
        handle = Api.handle

        async def refuse(request: web.Request) -> web.StreamResponse:
            answer = await handle(api, request)
            api.taken = set()
            return answer

        api.handle = refuse  # type: ignore[method-assign]
        with pytest.raises(StatusError) as caught:
            await get(client, api)
    assert (caught.value.status, len(api.given), len(api.got)) == (401, 2, 2)
    assert not decide(RetryRules(), caught.value, retries_used=0, elapsed=SECOND, random=lambda: 0).retry


async def test_an_expected_401_is_an_answer(api: Api) -> None:
    """Who asks whether a token is good gets to know it."""
    async with client_of(api, Clock()) as client:
        await get(client, api)
        api.taken = set()
        request = Request("GET", f"{api.base}/x")
        response = await client.send(request, timeout=10 * SECOND, expected=lambda status: status == 401)
    assert (response.status, len(api.given)) == (401, 1)


async def test_a_token_endpoint_that_is_down_is_asked_again(api: Api) -> None:
    """By the default rules, in process; the call then goes on."""
    api.failures, clock = [503, 500], Clock()
    async with client_of(api, clock) as client:
        assert await get(client, api) == 200
    assert len(clock.slept) == 2
    assert clock.slept[0] >= 5
    assert clock.slept[1] >= 10


async def test_a_token_endpoint_that_stays_down_is_an_error_that_may_be_retried(api: Api) -> None:
    """It says from where and why; the call was not sent, so it is made again by its own rules, even a POST."""
    api.failures, clock = [503] * 9, Clock()
    async with client_of(api, clock) as client:
        with pytest.raises(TokenError) as caught:
            await get(client, api, "/orders", "POST")
    error = caught.value
    assert str(error).startswith(
        f"POST {api.base}/orders: no token could be fetched: POST {api.base}/token: answered 503 (Service Unavailable)"
    )
    assert (error.sent, error.retryable, len(api.failures), api.got) == (False, True, 6, [])
    decision = decide(RetryRules(safe_only=True), error, retries_used=0, elapsed=SECOND, random=lambda: 0)
    assert (decision.retry, decision.reason) == (True, "no token, status 503")


async def test_all_that_wait_get_the_same_end(api: Api) -> None:
    """Of 64 calls that need a token that cannot be had, none asks on its own."""
    api.failures, api.slow = [400] * 99, 0.02
    async with client_of(api, Clock()) as client:
        ends = await asyncio.gather(*(get(client, api) for _ in range(64)), return_exceptions=True)
    assert {type(end) for end in ends} == {TokenError}
    assert len(api.failures) == 98
    decision = decide(RetryRules(), ends[0], retries_used=0, elapsed=SECOND, random=lambda: 0)  # type: ignore[arg-type]
    assert (decision.retry, decision.reason[:21]) == (False, "no token, status 400 ")


async def test_a_slow_token_endpoint_does_not_hold_a_call_beyond_its_limit(api: Api) -> None:
    """The error says that it was the token that took so long."""
    api.slow = 2
    async with client_of(api, Clock()) as client:
        with pytest.raises(
            TokenError,
            match=r"no token could be fetched: POST http\S+/token gave none within \d+ ms \(the limit of one attempt\)",
        ) as caught:
            await client.send(Request("GET", f"{api.base}/x"), timeout=timedelta(seconds=0.2))
    assert isinstance(caught.value.cause, CallTimeoutError)
    assert caught.value.retryable


async def test_a_call_that_is_cancelled_does_not_take_the_token_from_others(api: Api) -> None:
    """Whoever still waits for it gets it."""
    api.slow = 0.05
    async with client_of(api, Clock()) as client:
        first, second = (asyncio.create_task(get(client, api)) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == 200
    assert len(api.given) == 1


async def test_a_token_endpoint_that_is_not_there_is_told(api: Api) -> None:
    """Without a connection there is no token; the address is named."""
    clock = Clock()
    async with client_of(api, clock, auth=auth_of("http://127.0.0.1:1/token")) as client:
        with pytest.raises(TokenError, match=r"POST http://127\.0\.0\.1:1/token: cannot connect to 127") as caught:
            await get(client, api)
    assert isinstance(caught.value.cause, ConnectError)
    assert len(clock.slept) == 2


LIES = [
    ('{"token_type": "bearer"}', "its body has no text 'access_token' (it has: token_type)"),
    ("{}", "(it has: nothing)"),
    ('{"access_token": 42}', "no text 'access_token'"),
    ('{"access_token": ""}', "no text 'access_token'"),
    (
        '{"access_token": null, "error": "bad", "error_description": "old"}',
        "without a token: bad: old",
    ),
    ('{"access_token": "t0ken-s3cr3t", "token_type": "mac"}', "its 'token_type' is not 'Bearer'"),
    ("[1]", "its body is no JSON object"),
    ("<html>Log in</html>", "(text/html, 19 bytes) is not JSON"),
    ("", "says that it is JSON and is not"),
]


@pytest.mark.parametrize("body,told", LIES)
async def test_an_answer_without_a_token_is_told(serve: Serve, body: str, told: str) -> None:
    """What is no token is an error that says what came, and another attempt would end the same way."""

    async def lie(request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html" if body.startswith("<") else "application/json")

    server = await serve(lie)
    async with Client(server.base, auth=auth_of(f"{server.base}/token")) as client:
        with pytest.raises(TokenError) as caught:
            await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)
    assert told in str(caught.value)
    assert f"POST {server.base}/token" in str(caught.value)
    assert not caught.value.retryable
    assert "s3cr3t" not in str(caught.value)
    assert server.lines == ["POST /token"]


async def test_a_token_that_is_no_header_is_not_sent(serve: Serve) -> None:
    """A line break in a token ends in an error, and the token is not told."""

    async def lie(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "abc-s3cr3t\r\nX-Evil: 1"})

    server = await serve(lie)
    async with Client(server.base, auth=auth_of(f"{server.base}/token")) as client:
        with pytest.raises(CallError, match="control character") as caught:
            await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)
    assert "s3cr3t" not in str(caught.value)


async def test_an_answer_that_is_too_large_is_not_read(serve: Serve) -> None:
    """A token is small."""

    async def lie(request: web.Request) -> web.Response:
        return web.Response(body=b'{"access_token": "' + b"x" * 300_000 + b'"}', content_type="application/json")

    server = await serve(lie)
    async with Client(server.base, auth=auth_of(f"{server.base}/token")) as client:
        with pytest.raises(TokenError, match=r"the body is larger than 256 kB|the body is larger than"):
            await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)


@pytest.mark.parametrize("status", [302, 307])
async def test_the_credentials_of_a_token_call_follow_no_redirect(serve: Serve, status: int) -> None:
    """Neither to another origin nor within their own."""
    thief = await serve()

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{thief.base}/token"})

    server = await serve(redirect)
    async with Client(server.base, auth=auth_of(f"{server.base}/token")) as client:
        with pytest.raises(TokenError, match="a redirect of POST is not followed"):
            await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)
    assert (len(server.calls), thief.calls) == (1, [])


async def test_a_token_goes_to_the_api_and_the_secret_to_the_token_endpoint(api: Api, serve: Serve) -> None:
    """Two origins, each gets its own; a host that may be called gets neither."""
    other = await serve()
    server = await serve()
    async with Client(server.base, auth=auth_of(f"{api.base}/token"), allow_hosts=[other.host]) as client:
        await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)
        await client.send(Request("GET", f"{other.base}/x"), timeout=10 * SECOND)
    assert server.calls[0].headers["Authorization"] == "Bearer token-1-s3cr3t"
    assert "Authorization" not in other.calls[0].headers
    assert api.got == []


async def test_no_secret_of_a_token_shows_anywhere(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the client's nor the token itself, though both servers repeat what they get; the log names its call."""
    caplog.set_level(logging.DEBUG)
    known: list[str] = []

    async def echo(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.json_response({"access_token": "t0ken-s3cr3t", "refresh_token": "refresh-s3cr3t"})
        return web.json_response({"all": f"{dict(request.headers)} refresh-s3cr3t"}, status=500)

    server = await serve(echo)
    redactor, records = Redactor(), list[CallRecord]()
    auth = auth_of(f"{server.base}/token", on_secret=known.append)
    async with Client(server.base, auth=auth, redactor=redactor, on_call=records.append) as client:
        with pytest.raises(StatusError) as caught:
            await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)
    told = [*traceback.format_exception(caught.value), repr(auth), str(vars(caught.value)), str(records)]
    logged = [entry.getMessage() for entry in caplog.records if entry.name != "aiohttp.access"]
    assert "s3cr3t" not in "\n".join([*told, *logged])
    assert any("For a token: POST" in line for line in logged)
    assert known == ["t0ken-s3cr3t", "refresh-s3cr3t"]
    assert redactor.hides("t0ken-s3cr3t")


async def test_what_a_token_endpoint_says_of_a_refusal_is_told_without_secrets(serve: Serve) -> None:
    """Its error (RFC 6749, 5.2) is in the message; what it repeats of the request is not."""

    async def refuse(request: web.Request) -> web.Response:
        sent = request.headers["Authorization"]
        return web.json_response({"error": "invalid_client", "error_description": f"unknown {sent}"}, status=401)

    server = await serve(refuse)
    async with Client(server.base, auth=auth_of(f"{server.base}/token")) as client:
        with pytest.raises(TokenError, match=r"answered 401 \(Unauthorized\).*invalid_client") as caught:
            await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)
    sent = server.calls[0].headers["Authorization"].removeprefix("Basic ")
    assert sent not in str(caught.value)
    assert len(server.calls) == 1


async def test_a_client_that_is_closed_stops_fetching(serve_raw: ServeRaw) -> None:
    """A fetch that nobody waits for any more does not outlive its client."""
    server = await serve_raw([30.0])
    async with Client(server.base, auth=auth_of(f"{server.base}/token")) as client:
        with pytest.raises(TokenError):
            await client.send(Request("GET", f"{server.base}/x"), timeout=timedelta(seconds=0.1))
    assert [task for task in asyncio.all_tasks() if "TokenHolder" in repr(task)] == []
