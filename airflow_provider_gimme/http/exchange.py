"""One attempt while it is under way: what was sent and heard so far, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import perf_counter
from typing import Any

import aiohttp
from yarl import URL

from airflow_provider_gimme import __version__
from airflow_provider_gimme.errors import CallError, OutcomeError, StatusError
from airflow_provider_gimme.http.body import Body
from airflow_provider_gimme.http.content_type import content_type_of
from airflow_provider_gimme.http.decoding import ACCEPT_ENCODING
from airflow_provider_gimme.http.events import EVENTS, LINES
from airflow_provider_gimme.http.failures import CAUGHT, Failures, phrase_of
from airflow_provider_gimme.http.headers import Headers, with_headers
from airflow_provider_gimme.http.outcome import Judge
from airflow_provider_gimme.http.payload import payload_of
from airflow_provider_gimme.http.record import CallRecord
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.http.sink import Sink
from airflow_provider_gimme.http.targets import quote_url

__all__ = ["HEADERS", "Exchange"]

HEADERS = {"Accept": "*/*", "Accept-Encoding": ACCEPT_ENCODING, "User-Agent": f"airflow-provider-gimme/{__version__}"}
"""What a session sends where the request says nothing else."""
_NO_TYPE = {"skip_auto_headers": ("Content-Type",)}
"""Keeps aiohttp from making up the type of a body that was given none."""
_TYPED: dict[str, Any] = {}
_EXCERPT_BYTES = 64 * 1024
_EXCERPT_SECONDS = 5.0
_ERROR_CHARACTERS = 200
_SILENCE = timedelta(seconds=60)
"""How long a stream may be silent where nothing is said about it."""
_STREAMS = LINES | {EVENTS}
_NONE_READ = Body(0)


@dataclass(slots=True)
class Exchange:
    """One attempt of a call."""

    session: aiohttp.ClientSession
    failures: Failures
    expected: Callable[[int], bool]
    options: Mapping[str, Any]
    """How the session connects: ``ssl`` and ``proxy``."""
    sink: Sink | None = None
    """Where the body of an expected answer goes; None keeps it."""
    read_timeout: timedelta | None = None
    """How long a body may be silent between two pieces; None is a minute for streams, and no limit for others."""
    started: float = field(default_factory=perf_counter)
    status: int | None = None
    redirects: int = 0
    body: Body = _NONE_READ
    judge: Judge | None = None
    """Says what the status alone does not; it needs the bodies of all answers."""
    cut: bool = False
    """Whether the judge cannot see the body, of which only a start was read."""
    _outgoing: aiohttp.ClientRequest | None = None
    """The request under way, or the last one."""
    _answered: bool = False

    @property
    def sent(self) -> bool:
        """Whether a server may have got the request: aiohttp makes the answer's object as soon as the head has left."""
        return self._answered or (self._outgoing is not None and self._outgoing.response is not None)

    @property
    def elapsed(self) -> timedelta:
        """The time since the attempt began."""
        return timedelta(seconds=perf_counter() - self.started)

    async def send(self, request: Request, url: str) -> Response:
        """Send one request, once, and read the answer; ``url`` is where it goes, without credentials."""
        self._outgoing, self.status, self.body = None, None, _NONE_READ
        payload, own = payload_of(request.body)
        written = with_headers(request.headers, own) if own else request.headers
        typed = "Content-Type" in written  # as it is mostly spelt; to skip the header otherwise does no harm
        async with self.session.request(
            request.method,
            URL(quote_url(request.target), encoded=True),
            headers=written,
            data=payload,
            allow_redirects=False,
            middlewares=(self._once,),
            **(_TYPED if typed else _NO_TYPE),
            **self.options,
        ) as answer:
            self.status, self._answered = answer.status, True
            body = await self._read(answer)
            heard = Headers.heard(answer.headers)
        response = Response(answer.status, heard, body or b"", url, self.elapsed, self.failures.shown)
        if body is not None or self.sink is None:
            return response
        return replace(response, saved_bytes=self.body.size, reference=self.sink.reference(response.media_type))

    async def _once(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Keep aiohttp from sending a request again by itself when a kept connection turns out to be closed."""
        if self._outgoing is not None:
            raise aiohttp.ServerDisconnectedError
        self._outgoing = request
        return await handler(request)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes | None:
        """Read a body; None where it went into the sink.

        Of one with a status that is not expected, what comes at once is enough for the message.
        """
        if self.expected(answer.status):
            silence = self.read_timeout
            if silence is None and (self.sink is not None or _is_stream(answer)):
                silence = _SILENCE
            if self.sink is not None:
                self.body = Body(None, silence)
                await self.body.pour(answer, self.sink)
                return None
            self.body = Body(self.failures.max_body_bytes, silence)
            self.body.expect(answer)
            return await self.body.fill(answer)
        if self.judge is not None:
            return await self._read_judged(answer)
        self.body = Body(_EXCERPT_BYTES)
        with suppress(*CAUGHT):
            async with asyncio.timeout(_EXCERPT_SECONDS):
                await self.body.fill(answer)
        return self.body.read

    async def _read_judged(self, answer: aiohttp.ClientResponse) -> bytes:
        """Read the body of a status that is not expected for the judge, or its start where it cannot be read whole."""
        self.body, self.cut = Body(self.failures.max_body_bytes, self.read_timeout), False
        try:
            return await self.body.fill(answer)
        except CAUGHT:
            self.cut = True
            return self.body.read[:_EXCERPT_BYTES]

    def failed(self, caught: BaseException) -> CallError:
        """Return the error for what an exchange raised."""
        heard = "nothing was answered"
        if self.status is not None:
            heard = f"answered {self.status}, {self.body.size:,} bytes of its body were read"
        return self.failures.of(caught, sent=self.sent, elapsed=self.elapsed, read_bytes=self.body.size, heard=heard)

    def record(self, error: CallError | None) -> CallRecord:
        """Return what is kept of the attempt."""
        failures = self.failures
        return CallRecord(
            method=failures.shown.method,
            url=failures.shown.url,
            status=self.status,
            ms=(perf_counter() - self.started) * 1000,
            attempt=failures.attempt,
            bytes_received=self.body.size,
            error=None if error is None else _short(error),
            redirects=self.redirects,
        )


def _is_stream(answer: aiohttp.ClientResponse) -> bool:
    return content_type_of(answer.headers.get("Content-Type", "")).media_type in _STREAMS


def _short(error: CallError) -> str:
    """Say in a few words what the record does not say anyway."""
    if isinstance(error, StatusError):
        return error.excerpt[:_ERROR_CHARACTERS] or "not an expected status"
    said = str(error).removeprefix(f"{error.method} {error.url}: ")
    if isinstance(error, OutcomeError):
        return said.removeprefix(f"answered {error.status}{phrase_of(error.status)}; ")
    return said
