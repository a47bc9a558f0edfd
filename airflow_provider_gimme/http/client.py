"""Send requests: one attempt at a time, bounded in time and size, with typed errors."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import aiohttp

from airflow_provider_gimme.errors import CallError, RequestError
from airflow_provider_gimme.http.addresses import Addresses
from airflow_provider_gimme.http.asked import asked_wait
from airflow_provider_gimme.http.auth import Auth, NoAuth, TokenAuth
from airflow_provider_gimme.http.connector import connector
from airflow_provider_gimme.http.credentials import Credentials
from airflow_provider_gimme.http.deadlines import Deadlines
from airflow_provider_gimme.http.exchange import HEADERS, Exchange
from airflow_provider_gimme.http.failures import CAUGHT, MAX_HEADER_BYTES, MAX_HEADERS, Failures
from airflow_provider_gimme.http.outcome import Judge, is_success
from airflow_provider_gimme.http.record import CallRecord
from airflow_provider_gimme.http.redaction import Redactor, Shown
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.http.retry import ATTEMPT_LIMIT
from airflow_provider_gimme.http.sink import Sink
from airflow_provider_gimme.http.targets import MAX_REDIRECTS, REDIRECTS, Targets
from airflow_provider_gimme.http.tokens import TOKEN_BODY_BYTES, TOKEN_LIMIT, TokenHolder, log_token_call

__all__ = ["MAX_BODY_BYTES", "Client", "is_success"]

MAX_BODY_BYTES = 5 * 1024 * 1024
"""The largest body that is read, decompressed."""


class Client:
    """Call one API; everything that talks to it (a call, its pages, polls and items) goes through :meth:`send`.

    Use it as ``async with``: its connections are kept between calls and closed at the end. Calls may run side by side;
    how many is the caller's to bound. There is no cookie jar, and nothing is read from the environment.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth | None = None,
        allow_hosts: Iterable[str] = (),
        allow_addresses: Iterable[str] = (),
        redactor: Redactor | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        ssl: tls.SSLContext | bool | None = None,
        proxy: str | None = None,
        connect_timeout: timedelta = timedelta(seconds=10),
        on_call: Callable[[CallRecord], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Describe an API; nothing is opened yet.

        ``base_url``'s origin alone gets the credentials of ``auth``, whose secrets ``redactor`` learns;
        ``allow_hosts`` (``name``, or ``name:port``) may be called without. Link-local addresses and those of a
        cloud's metadata are connected to only within the networks of ``allow_addresses``. ``ssl`` False trusts any
        certificate.
        ``on_call`` gets the record of each attempt, ``now`` is the clock for dates in ``Retry-After`` and the end of
        tokens, ``sleep`` waits before a token is asked for again. A token is fetched for all calls together, by calls
        to its own origin; ``ssl`` holds for it only where that is ``base_url``'s.

        :raises RequestError: where ``base_url`` is not the URL of an origin, or ``allow_addresses`` are no networks.
        """
        self._auth = auth or NoAuth()
        self._redactor = redactor if redactor is not None else Redactor()
        for secret in (*self._auth.secrets, *_proxy_secrets(proxy)):
            self._redactor.add(secret)
        self._addresses = Addresses.of(allow_addresses)
        self._targets = _targets_of(base_url, allow_hosts, self._addresses, self._redactor)
        self._max_body_bytes = max_body_bytes
        self._connect_timeout = connect_timeout
        self._options: dict[str, Any] = {"ssl": True if ssl is None else ssl, "proxy": proxy}
        self._on_call = on_call
        self._now = now
        tokens = None
        if isinstance(self._auth, TokenAuth):
            tokens = TokenHolder(self._auth, self._send_for_token, self._redactor, now=now, sleep=sleep)
        self._credentials = Credentials(self._auth, tokens, self._targets, self._redactor)
        self._deadlines = Deadlines()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=connector(self._addresses),
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout.total_seconds()),
            headers=HEADERS,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._credentials.close()
        self._deadlines.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self,
        request: Request,
        *,
        timeout: timedelta,  # noqa: ASYNC109 - it is part of the message when it fires
        attempt: int = 1,
        expected: Callable[[int], bool] = is_success,
        sink: Sink | None = None,
        read_timeout: timedelta | None = None,
        judge: Judge | None = None,
        limit: str = ATTEMPT_LIMIT,
        on_failure: Callable[[CallRecord], None] | None = None,
    ) -> Response:
        """Make one attempt of a call and return its answer, read to its end.

        ``timeout`` bounds the attempt, redirects and body included; ``limit`` is what it is called in a message. An
        answer is judged by ``judge``, which is given every body, and by ``expected`` where that has nothing to say.
        ``on_failure`` gets the record of an attempt that fails, beside the client's own ``on_call``.

        With a ``sink`` the body of an expected answer is streamed into it, in constant memory; the response has none.
        ``read_timeout`` is how long a body may be silent: by default a minute for a stream (events, lines, a ``sink``).

        :raises RequestError: the request may not be sent as it is; nothing was sent.
        :raises ConnectError: no connection, or the exchange broke off; ``sent`` tells which.
        :raises CallTimeoutError: the time was used up; the message names the limit.
        :raises BodyError: the body is too large, or not compressed as it says.
        :raises AnswerError: the judge refuses it (OutcomeError), or its status is not an expected one (StatusError).
        """
        exchange = self._exchange(request, timeout, attempt, expected, limit)
        exchange.sink, exchange.read_timeout, exchange.judge = sink, read_timeout, judge
        failure, response = None, None
        try:
            async with asyncio.timeout(None) as clock:
                self._deadlines.begin(clock, timeout.total_seconds())
                try:
                    response = await self._follow(request, exchange)
                finally:
                    self._deadlines.end(clock)
        except CallError as error:
            failure = error
        except CAUGHT as caught:
            failure = exchange.failed(caught)
        if self._on_call is not None:
            self._on_call(exchange.record(failure))
        if failure is None and response is not None:
            return response
        if on_failure is not None:
            on_failure(exchange.record(failure))
        # Raised here, not above: what aiohttp raised holds URLs and headers, and must not be part of a traceback.
        raise failure or AssertionError("an exchange ends with an answer or an error")

    def follow(self, request: Request, answer: Response, link: str) -> Request:
        """Return the request for a link that an answer to ``request`` gave: to its next page, to its job.

        What :meth:`Targets.follow` says of links holds: relative or absolute, refused where no call may go, and
        without credentials wherever :meth:`send` sends it but to the base's own origin.

        :raises RequestError: where the link is refused; the message says why.
        """
        followed = self._targets.follow(request, link, self._redactor, source=answer.url)
        if isinstance(followed, str):
            method, url = request.method, self._redactor.redact_url(request.target)
            raise RequestError(f"{method} {url}: {self._redactor.redact(followed)}", method=method, url=url)
        return followed

    def _exchange(
        self, request: Request, timeout: timedelta, attempt: int, expected: Callable[[int], bool], limit: str
    ) -> Exchange:
        if self._session is None:
            raise RuntimeError("the client is not open; use it as 'async with Client(…) as client'")
        shown = Shown(request.method, request.target, self._redactor)
        failures = Failures(shown, attempt, self._redactor, timeout, self._connect_timeout, self._max_body_bytes, limit)
        return Exchange(self._session, failures, expected, self._options)

    async def _follow(self, request: Request, exchange: Exchange) -> Response:
        """Send a request and follow its redirects.

        A redirect is followed for GET and HEAD, at most five times, within the base's origin and (without credentials)
        to allowed hosts, unless its status is an expected one; one that is not followed is judged as any answer is.
        """
        if reason := self._targets.refusal(request):
            raise exchange.failures.refused(reason)
        foreign = self._targets.trust(request.url) != "own"
        while True:
            if self._credentials.tokens is None:  # at once: nothing has to be waited for
                response = await exchange.send(
                    self._credentials.apply(request, exchange, foreign=foreign), request.target
                )
            else:
                response = await self._credentials.send(request, exchange, foreign=foreign)
            refused: str | None = None
            if response.status in REDIRECTS and not exchange.expected(response.status):
                target = self._redirect(request, response, exchange, foreign=foreign)
                if not isinstance(target, str):
                    request, foreign = target
                    exchange.redirects += 1
                    continue
                refused = target
            return self._judged(response, exchange, refused)

    def _judged(self, response: Response, exchange: Exchange, refused: str | None) -> Response:
        """Return a good answer; ``refused`` is why a redirect was not followed."""
        seen = replace(response, body=b"") if exchange.cut else response
        ruling = None if exchange.judge is None else exchange.judge(seen)
        if ruling is not None and ruling.verdict == "good":
            return response
        if ruling is not None:
            raise exchange.failures.ruled(response, ruling, asked_wait(response.headers, self._now()))
        if not exchange.expected(response.status):
            raise exchange.failures.status(response, refused, asked_wait(response.headers, self._now()))
        return response

    def _redirect(
        self, request: Request, response: Response, exchange: Exchange, *, foreign: bool
    ) -> tuple[Request, bool] | str:
        if exchange.redirects == MAX_REDIRECTS:
            return f"{MAX_REDIRECTS} redirects were followed already"
        return self._targets.redirect(request, response.headers.get("location"), self._redactor, foreign=foreign)

    async def _send_for_token(self, request: Request, attempt: int) -> Response:
        """Make one attempt to fetch a token, by a client of its origin."""
        client = Client(
            request.url,
            allow_addresses=map(str, self._addresses.allowed),
            redactor=self._redactor,
            max_body_bytes=TOKEN_BODY_BYTES,
            proxy=self._options["proxy"],
            connect_timeout=self._connect_timeout,
            on_call=log_token_call,
            now=self._now,
        )
        if client._targets.own == self._targets.own:
            client._options = self._options
        async with client:
            return await client.send(request, timeout=TOKEN_LIMIT, attempt=attempt)


def _targets_of(base_url: str, allow_hosts: Iterable[str], addresses: Addresses, redactor: Redactor) -> Targets:
    try:
        return Targets.of(base_url, allow_hosts, addresses)
    except ValueError as error:
        reason = redactor.redact(str(error))
    raise RequestError(f"the base URL cannot be used: {reason}")


def _proxy_secrets(proxy: str | None) -> tuple[str, ...]:
    """Return what of a proxy's URL must be hidden: the password, and both as they are sent."""
    parts = urlsplit(proxy or "")
    if not parts.password:
        return ()
    password = unquote(parts.password)
    return (password, f"{unquote(parts.username or '')}:{password}")
