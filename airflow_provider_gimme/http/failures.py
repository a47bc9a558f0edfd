"""From what went wrong in aiohttp to what a caller is told: typed, in words, without any secret."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar

import aiohttp

from airflow_provider_gimme.errors import (
    AnswerError,
    BodyError,
    CallError,
    CallTimeoutError,
    ConnectError,
    OutcomeError,
    RequestError,
    SchemaError,
    StatusError,
    TokenError,
)
from airflow_provider_gimme.http.body import BodyTooLargeError, SilentBodyError
from airflow_provider_gimme.http.connector import AddressRefusedError
from airflow_provider_gimme.http.decoding import BrokenBodyError, TruncatedBodyError, UnreadableBodyError
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.outcome import Fault, Ruling
from airflow_provider_gimme.http.redaction import HIDDEN, Redactor, Shown
from airflow_provider_gimme.http.request import Response
from airflow_provider_gimme.http.retry import ATTEMPT_LIMIT
from airflow_provider_gimme.http.sink import SinkError
from airflow_provider_gimme.http.units import show_duration, show_size

__all__ = ["CAUGHT", "MAX_HEADERS", "MAX_HEADER_BYTES", "Failures", "phrase_of"]

CAUGHT = (aiohttp.ClientError, OSError, UnicodeError, UnreadableBodyError)
"""What the exchange of a request may raise by no fault of ours; a timeout is an ``OSError``."""

MAX_HEADER_BYTES = 16 * 1024
"""The longest line of an answer's head that is read: its status, or one of its headers."""

MAX_HEADERS = 128
"""How many headers of an answer are read."""

_EXCERPT_CHARACTERS = 500
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What could change how a log or a page shows what stands around it."""
_FAULT_CHARACTERS = 200
_E = TypeVar("_E", bound=CallError)
_A = TypeVar("_A", bound=AnswerError)


@dataclass(slots=True)
class Failures:
    """Make the errors of one attempt."""

    shown: Shown
    """The request."""
    attempt: int
    redactor: Redactor
    timeout: timedelta
    connect_timeout: timedelta
    max_body_bytes: int
    limit: str = ATTEMPT_LIMIT
    """How ``timeout`` is called."""

    def refused(self, reason: str) -> RequestError:
        """Make the error of a request that is not sent."""
        return self._make(RequestError, f"not sent: {reason}", sent=False, elapsed=timedelta(0))

    def no_token(self, reason: str, cause: CallError | None, elapsed: timedelta) -> TokenError:
        """Make the error of a call that no token could be fetched for; ``cause`` is that of the token's own call."""
        error = self._make(TokenError, f"no token could be fetched: {reason}", sent=False, elapsed=elapsed)
        error.cause, error.retryable = cause, cause is not None and cause.retryable
        return error

    def status(self, answer: Response, reason: str | None, asked: timedelta | None) -> StatusError:
        """Make the error of a status that was not expected; ``reason`` is why a redirect was not followed."""
        return self._answer(StatusError, answer, None if reason is None else self.redactor.redact(reason), asked)

    def ruled(self, answer: Response, ruling: Ruling, asked: timedelta | None) -> OutcomeError:
        """Make the error of an answer that a rule refuses."""
        if ruling.rule == "schema":
            return self._answer(SchemaError, answer, self._misfit(ruling), asked, excerpt=False)
        said = {"fail": "is true", "retry": "is true", "bad": "is not true"}[ruling.verdict]
        if ruling.problem:
            said = "cannot be evaluated over this answer"
        problem = f": {self._quoted(ruling.problem)}" if ruling.problem else ""
        reason = self.redactor.redact(f"'{ruling.rule}' {said} ({ruling.source}{problem})")
        error = self._answer(OutcomeError, answer, " ".join(reason.split()), asked)
        error.rule, error.retry = ruling.rule, ruling.verdict == "retry"
        error.retryable = ruling.verdict != "fail"
        return error

    def _misfit(self, ruling: Ruling) -> str:
        """Say where a body does not fit; what is secret is hidden before anything is cut."""
        faults = [self._fault(fault) for fault in ruling.faults]
        more = [f"and {ruling.more} more"] if ruling.more else []
        return f"its body does not fit 'expect.schema': {'; '.join([*faults, *more])}"

    def _fault(self, fault: Fault) -> str:
        message = self._quoted(fault.message)
        cut = message if len(message) <= _FAULT_CHARACTERS else f"{message[:_FAULT_CHARACTERS]}…"
        return f"{self.redactor.redact(fault.path)}: {cut}"

    def _answer(
        self, kind: type[_A], answer: Response, reason: str | None, asked: timedelta | None, *, excerpt: bool = True
    ) -> _A:
        text = self._quoted(answer.body.decode("utf-8", "replace"))[:_EXCERPT_CHARACTERS]
        parts = [f"answered {answer.status}{phrase_of(answer.status)}"]
        if asked is not None:
            parts.append(f"asks to wait {show_duration(asked)}")
        if reason is not None:
            parts.append(reason)
        message = f"{self.shown}: {'; '.join(parts)}{f': {text}' if text and excerpt else ''}"
        return kind(
            message,
            status=answer.status,
            headers=self.redactor.redact_headers(Headers(answer.headers)),
            excerpt=text,
            retry_after=asked,
            method=self.shown.method,
            url=self.shown.url,
            attempt=self.attempt,
            elapsed=answer.elapsed,
        )

    def _quoted(self, text: str) -> str:
        """Return what may be quoted of an answer, in one line."""
        return HIDDEN if text and self.redactor.conceal else _plain(self.redactor.redact(text))

    def of(self, caught: BaseException, *, sent: bool, elapsed: timedelta, read_bytes: int, heard: str) -> CallError:
        """Make the error of an exchange that came to no end; ``heard`` is how far the answer had come."""
        if isinstance(caught, aiohttp.ConnectionTimeoutError):
            reason = f"no connection within {show_duration(self.connect_timeout)} (the limit for connecting)"
            return self._make(CallTimeoutError, reason, sent=False, elapsed=elapsed)
        if isinstance(caught, TimeoutError) and not isinstance(caught, aiohttp.ClientConnectorError):
            got = heard if sent else "not connected yet"
            reason = f"no complete answer within {show_duration(self.timeout)} ({self.limit}); {got}"
            return self._make(CallTimeoutError, reason, sent=sent, elapsed=elapsed)
        if isinstance(caught, SilentBodyError):
            reason = f"silent for {show_duration(caught.limit)} within the body (the limit 'read_timeout'); {heard}"
            return self._make(CallTimeoutError, reason, sent=True, elapsed=elapsed)
        if isinstance(caught, SinkError):
            return self._make(BodyError, f"the body cannot be saved: {caught}", sent=True, elapsed=elapsed)
        if isinstance(caught, BodyTooLargeError):
            return self._make(BodyError, self._too_large(caught, read_bytes), sent=True, elapsed=elapsed)
        if isinstance(caught, BrokenBodyError):
            return self._make(BodyError, f"the body cannot be read: {caught}", sent=True, elapsed=elapsed)
        if (refusal := _unsendable(caught)) is not None:
            return self.refused(refusal)
        return self._broken_off(caught, sent=sent, elapsed=elapsed, heard=heard)

    def _too_large(self, caught: BodyTooLargeError, read_bytes: int) -> str:
        size = str(caught) or f"stopped after {read_bytes:,} bytes"
        return (
            f"the body is larger than {show_size(self.max_body_bytes)} ({size}); "
            "ask the API for less at once (a smaller page, a filter, fewer fields), or have the body streamed into the "
            "site's storage: write 'save_to'"
        )

    def _broken_off(self, caught: BaseException, *, sent: bool, elapsed: timedelta, heard: str) -> CallError:
        error = self._make(ConnectError, _broken(caught, sent=sent, heard=heard), sent=sent, elapsed=elapsed)
        if isinstance(caught, aiohttp.ClientConnectorCertificateError):
            error.retryable = False
        if isinstance(caught, aiohttp.ClientHttpProxyError) and caught.status < 500:
            error.retryable = False
        return error

    def _make(self, kind: type[_E], reason: str, *, sent: bool, elapsed: timedelta) -> _E:
        return kind(
            f"{self.shown}: {self.redactor.redact(reason)}",
            method=self.shown.method,
            url=self.shown.url,
            attempt=self.attempt,
            sent=sent,
            elapsed=elapsed,
        )


def _plain(text: str) -> str:
    """Return a text on one line, without what could change how a log shows it."""
    return " ".join(_UNSHOWN.sub(" ", text).split())


def _unread(message: str) -> str:
    """Say why the head of an answer was not read; the library's own words repeat what stands in it."""
    if message.startswith("Got more than"):
        return f"its headers are too large: one line has more than {MAX_HEADER_BYTES:,} bytes"
    if message.startswith("Too many headers"):
        return f"its headers are too large: there are more than {MAX_HEADERS}"
    return "the answer is not HTTP"


def _unsendable(caught: BaseException) -> str | None:
    """Say why what was to be called may or can not be, None where that is not what went wrong."""
    if isinstance(caught, aiohttp.ClientConnectorError) and isinstance(caught.os_error, AddressRefusedError):
        return str(caught.os_error)
    return "this is not a URL that can be called" if isinstance(caught, aiohttp.InvalidURL | UnicodeError) else None


def _broken(caught: BaseException, *, sent: bool, heard: str) -> str:
    """Say how an exchange broke off."""
    if isinstance(caught, aiohttp.ClientConnectorCertificateError):
        return (
            f"the server's certificate is not trusted: {caught.certificate_error}; "
            "correct the host's name, or have this machine trust who issued it (SSL_CERT_FILE)"
        )
    if isinstance(caught, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {caught.status}{phrase_of(caught.status)}"
    if isinstance(caught, aiohttp.ClientProxyConnectionError):
        return f"the proxy cannot be reached: {_reason(caught.os_error)}"
    if isinstance(caught, aiohttp.ClientConnectorError):
        return f"cannot connect to {caught.host}:{caught.port}: {_reason(caught.os_error)}"
    if isinstance(caught, aiohttp.ClientPayloadError | TruncatedBodyError):
        detail = f": {caught}" if isinstance(caught, TruncatedBodyError) else ""
        return f"the answer was cut short{detail}; {heard}"
    if isinstance(caught, aiohttp.ClientResponseError):
        return _unread(caught.message)
    if isinstance(caught, aiohttp.ServerDisconnectedError) or not str(caught):
        return f"the server closed the connection; {heard}"
    return f"the connection broke off ({caught}); {heard if sent else 'nothing was sent'}"


def _reason(error: OSError) -> str:
    """Say why there is no connection, in the system's words where it has any: asyncio's own name a call and a tuple."""
    if error.errno is not None and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return error.strerror or str(error)


def phrase_of(status: int) -> str:
    """Return `` (Not Found)`` for 404, and so on; nothing for a status without a name."""
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""
