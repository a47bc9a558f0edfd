"""Whether and when a call is tried again: pure decisions, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from airflow_provider_gimme.errors import (
    AnswerError,
    CallError,
    CallTimeoutError,
    ConnectError,
    GimmeError,
    OutcomeError,
    TokenError,
)
from airflow_provider_gimme.http.asked import asked_wait
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.units import show_duration

__all__ = [
    "ATTEMPT_LIMIT",
    "RETRIED_BY_DEFAULT",
    "Decision",
    "RetryRules",
    "again",
    "asked_wait",
    "decide",
    "is_refusal",
    "may_be_processed",
    "within",
]

ATTEMPT_LIMIT = "the limit of one attempt"
"""How the limit of an attempt is called where nobody says better."""

RETRIED_BY_DEFAULT: frozenset[int | str] = frozenset({408, 425, 429, 500, 502, 503, 504, "timeout", "connection"})
"""Statuses and failures that are retried where nothing else is said."""

_REQUEST_TIMEOUT = 408
_JITTER = 0.25
_DOUBLINGS = 60
"""More doublings than any wait can take; it keeps the arithmetic finite."""


@dataclass(frozen=True)
class RetryRules:
    """When and how a call is tried again."""

    limit: int = 3
    """Retries after the first attempt."""
    delay: timedelta = timedelta(seconds=5)
    """The first wait."""
    backoff: Literal["constant", "linear", "exponential"] = "exponential"
    """How the wait grows: ``delay``, ``delay`` × n, ``delay`` × 2^(n-1) before the n-th retry."""
    max_delay: timedelta = timedelta(minutes=5)
    """The longest wait of our own choosing, before the jitter."""
    max_wait: timedelta = timedelta(hours=1)
    """The longest wait a server may ask for."""
    max_duration: timedelta | None = None
    """The limit of all attempts and waits together."""
    on: frozenset[int | str] = RETRIED_BY_DEFAULT
    """Statuses, ``"timeout"`` and ``"connection"``."""
    safe_only: bool = False
    """Retry only where the call is known not to have been processed: not connected, 429, 503 with ``Retry-After``."""


@dataclass(frozen=True)
class Decision:
    """What happens after a failed attempt, and why."""

    retry: bool
    wait: timedelta
    """How long to wait before the next attempt; zero where there is none."""
    reason: str
    """Words for the log, without any secret."""


def decide(
    rules: RetryRules,
    error: BaseException,
    *,
    retries_used: int,
    elapsed: timedelta,
    random: Callable[[], float],
) -> Decision:
    """Decide what follows an error.

    ``retries_used`` counts the retries made so far, ``elapsed`` runs from the start of the first attempt, and
    ``random`` gives numbers from 0 to 1. The wait is the backoff, at most ``max_delay``, plus up to 25 %, and never
    less than the server asks for; what it asks is at most ``max_wait``.
    """
    cause = error.cause if isinstance(error, TokenError) and error.cause is not None else error
    kind = _kind(cause) if cause is error else f"no token, {_kind(cause)}"
    if refusal := _refuse(rules, error, cause, kind) or _used_up(rules, retries_used, kind):
        return _fail(refusal)
    asked = cause.retry_after if isinstance(cause, AnswerError) else None
    if asked is not None and asked > rules.max_wait:
        return _fail(
            f"the server asks to wait {show_duration(asked)}, more than 'max_wait' {show_duration(rules.max_wait)}"
        )
    return again(rules, kind, retries_used=retries_used, elapsed=elapsed, random=random, asked=asked)


def again(
    rules: RetryRules,
    kind: str,
    *,
    retries_used: int,
    elapsed: timedelta,
    random: Callable[[], float],
    asked: timedelta | None = None,
) -> Decision:
    """Decide whether and when there is another attempt after a failure that may be tried again; see :func:`decide`.

    ``kind`` says what it was, ``asked`` how long a server asks to wait.
    """
    if refusal := _used_up(rules, retries_used, kind):
        return _fail(refusal)
    wait = _backoff(rules, retries_used, random)
    if asked is not None and asked >= wait:
        wait, kind = asked, f"{kind}; the server asks to wait {show_duration(asked)}"
    if rules.max_duration is not None and elapsed + wait > rules.max_duration:
        return _fail(
            f"{kind}; the next attempt, after {show_duration(wait)}, would begin beyond 'max_duration' "
            f"{show_duration(rules.max_duration)} ({show_duration(elapsed)} used)"
        )
    return Decision(retry=True, wait=wait, reason=kind)


def within(rules: RetryRules, timeout: timedelta, limit: str, elapsed: timedelta) -> tuple[timedelta, str]:
    """Return how long an attempt may take, and how that limit is called.

    ``timeout`` is called ``limit``; what ``max_duration`` leaves after ``elapsed`` may be less.
    """
    if rules.max_duration is None or rules.max_duration - elapsed >= timeout:
        return timeout, limit
    left = max(rules.max_duration - elapsed, timedelta(0))
    return left, f"what 'max_duration' {show_duration(rules.max_duration)} leaves"


def may_be_processed(error: BaseException) -> bool:
    """Say whether the server may have done what a call asked for although it ended with this error.

    It has not where the call was never sent, or was refused: 429, 503 with ``Retry-After``, any 4xx but 408.
    """
    if isinstance(error, AnswerError) and is_refusal(error.status):
        return False
    return not _known_unprocessed(error)


def is_refusal(status: int) -> bool:
    """Say whether a status tells that a call was not processed: any 4xx but 408."""
    return 400 <= status < 500 and status != _REQUEST_TIMEOUT


def _fail(reason: str) -> Decision:
    return Decision(retry=False, wait=timedelta(0), reason=reason)


def _kind(error: BaseException) -> str:
    """Name what went wrong, as it is written in a log."""
    if isinstance(error, OutcomeError) and (error.retry or not error.retryable):
        return f"'{error.rule}' of status {error.status}"
    if isinstance(error, AnswerError):
        return f"status {error.status}"
    if isinstance(error, GimmeError) and not isinstance(error, CallTimeoutError | ConnectError):
        return type(error).__name__.removesuffix("Error").lower()
    if isinstance(error, TimeoutError):
        return "timeout"
    return "connection" if isinstance(error, ConnectionError) else type(error).__name__


def _causes(error: BaseException) -> set[int | str]:
    """Return the members of ``on`` that an error falls under."""
    kind = _kind(error)
    if isinstance(error, AnswerError):
        return {error.status}
    if isinstance(error, CallTimeoutError) and not error.sent:
        return {"timeout", "connection"}
    return {kind} if kind in {"timeout", "connection"} else set()


def _refuse(rules: RetryRules, error: BaseException, cause: BaseException, kind: str) -> str | None:
    """Say why an error is not retried at all; ``cause`` is the error of the token's call where that failed."""
    if isinstance(cause, OutcomeError) and cause.retry:
        return None
    causes = _causes(cause)
    if not causes or (isinstance(cause, CallError) and not cause.retryable):
        return f"{kind}: another attempt would end the same way"
    if not causes & rules.on:
        listed = ", ".join(sorted(str(cause) for cause in rules.on)) or "nothing"
        return f"{kind} is not one of 'retry.on' ({listed})"
    if rules.safe_only and not _known_unprocessed(error):
        method = getattr(error, "method", "") or "the call"
        return (
            f"{kind}: {method} may have been processed, so without a written 'retry' it is not sent again; "
            "write 'retry' at the step, or 'idempotency: supported' if the API processes a key once"
        )
    return None


def _known_unprocessed(error: BaseException) -> bool:
    if isinstance(error, AnswerError):
        return error.status == 429 or (error.status == 503 and "retry-after" in Headers(error.headers))
    return isinstance(error, CallError) and not error.sent


def _used_up(rules: RetryRules, retries_used: int, kind: str) -> str | None:
    if retries_used < rules.limit:
        return None
    return (
        f"{kind}; no retries allowed" if rules.limit == 0 else f"{kind}; the limit of {rules.limit} retries is used up"
    )


def _backoff(rules: RetryRules, retries_used: int, random: Callable[[], float]) -> timedelta:
    factor = {"constant": 1, "linear": retries_used + 1, "exponential": 2 ** min(retries_used, _DOUBLINGS)}
    seconds = min(rules.delay.total_seconds() * factor[rules.backoff], rules.max_delay.total_seconds())
    return timedelta(seconds=seconds * (1 + _JITTER * min(max(random(), 0.0), 1.0)))
