"""Whether a call is tried again, when, and what is said about it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import (
    BodyError,
    CallTimeoutError,
    ConnectError,
    ExpressionError,
    GimmeError,
    RequestError,
    RunTimeoutError,
    StatusError,
)
from airflow_provider_gimme.http import RETRIED_BY_DEFAULT, Decision, RetryRules, decide

S = timedelta(seconds=1)
ZERO = timedelta(0)
POST_503 = StatusError("x", status=503, headers={"Retry-After": "2"}, retry_after=2 * S, method="POST")


def status(number: int, asked: float | None = None, **headers: str) -> StatusError:
    return StatusError(
        "x",
        status=number,
        headers=headers,
        retry_after=None if asked is None else timedelta(seconds=asked),
        method="POST",
    )


def ask(
    rules: RetryRules, error: BaseException, *, used: int = 0, elapsed: timedelta = ZERO, random: float = 0.0
) -> Decision:
    return decide(rules, error, retries_used=used, elapsed=elapsed, random=lambda: random)


BACKOFFS = [
    ("constant", [5, 5, 5, 5, 5]),
    ("linear", [5, 10, 15, 20, 22]),
    ("exponential", [5, 10, 20, 22, 22]),
]


@pytest.mark.parametrize("backoff,waits", BACKOFFS)
def test_the_wait_grows_as_its_backoff_says(backoff: str, waits: list[int]) -> None:
    """Constant, by one delay each time, or doubled; never more than `max_delay` before the jitter."""
    rules = RetryRules(limit=9, backoff=backoff, max_delay=22 * S)  # type: ignore[arg-type]
    assert [ask(rules, status(503), used=used).wait / S for used in range(5)] == waits
    assert [ask(rules, status(503), used=used, random=1.0).wait / S for used in range(5)] == [w * 1.25 for w in waits]


durations = st.timedeltas(ZERO, timedelta(days=400))


@given(
    delay=durations,
    max_delay=durations,
    max_wait=durations,
    asked=st.none() | st.timedeltas(ZERO, timedelta(days=800)),
    backoff=st.sampled_from(["constant", "linear", "exponential"]),
    used=st.integers(0, 100),
    random=st.floats(0, 1),
)
def test_a_wait_is_never_less_than_asked_nor_more_than_capped(
    *,
    delay: timedelta,
    max_delay: timedelta,
    max_wait: timedelta,
    asked: timedelta | None,
    backoff: str,
    used: int,
    random: float,
) -> None:
    """Whatever the numbers: within the backoff and its quarter, or exactly what is asked; beyond `max_wait` none."""
    rules = RetryRules(101, delay, backoff, max_delay, max_wait)  # type: ignore[arg-type]
    error = StatusError("x", status=503, headers={}, retry_after=asked)
    decision = ask(rules, error, used=used, random=random)
    assert decision.retry is (asked is None or asked <= max_wait)
    if not decision.retry:
        assert decision.wait == ZERO
        return
    tick = timedelta(microseconds=1)
    growth = {"constant": 1, "linear": used + 1, "exponential": 2**used}[backoff]
    own = max_delay if delay and delay > max_delay / growth else delay * min(growth, 2**60)
    assert decision.wait >= max(asked or ZERO, min(own, max_delay) - tick)
    assert decision.wait <= max(asked or ZERO, min(own, max_delay) * 1.25 + tick)


def test_a_server_that_asks_for_too_much_is_told_so() -> None:
    """The step fails at once, saying what was asked and what is allowed."""
    decision = ask(RetryRules(), status(429, 7200))
    assert decision == Decision(retry=False, wait=ZERO, reason="the server asks to wait 2 h, more than 'max_wait' 1 h")


def test_what_a_server_asks_for_is_said() -> None:
    """Where it is what decides the wait."""
    assert ask(RetryRules(), status(429, 30)) == Decision(
        retry=True, wait=30 * S, reason="status 429; the server asks to wait 30 s"
    )
    assert ask(RetryRules(), status(429, 1)) == Decision(retry=True, wait=5 * S, reason="status 429")


@pytest.mark.parametrize("number", sorted(n for n in range(300, 600) if n % 7 == 0 or n in RETRIED_BY_DEFAULT))
def test_the_default_statuses_are_retried_and_no_others(number: int) -> None:
    """408, 425, 429, 500, 502, 503 and 504."""
    assert ask(RetryRules(), status(number)).retry is (number in {408, 425, 429, 500, 502, 503, 504})


CAUSES = [
    (CallTimeoutError("x"), {"timeout"}),
    (CallTimeoutError("x", sent=False), {"timeout", "connection"}),
    (ConnectError("x"), {"connection"}),
    (ConnectError("x", sent=False), {"connection"}),
    (TimeoutError(), {"timeout"}),
    (ConnectionResetError(), {"connection"}),
    (status(404), {404}),
    (BodyError("x"), set()),
    (RequestError("x"), set()),
    (ExpressionError("x"), set()),
    (RunTimeoutError("x"), set()),
    (KeyError("x"), set()),
    (asyncio.CancelledError(), set()),
]


@pytest.mark.parametrize("error,causes", CAUSES, ids=[type(error).__name__ for error, _ in CAUSES])
@pytest.mark.parametrize("cause", ["timeout", "connection", 404])
def test_an_error_is_retried_where_on_has_its_cause(
    error: BaseException, causes: set[int | str], cause: int | str
) -> None:
    """A limit that fires while connecting is both; what is no fault of the exchange is never retried."""
    decision = ask(RetryRules(on=frozenset({cause})), error)
    assert decision.retry is (cause in causes)
    if causes and not decision.retry:
        assert decision.reason.endswith(f"is not one of 'retry.on' ({cause})")
    elif not causes:
        name = type(error).__name__
        shown = name.removesuffix("Error").lower() if isinstance(error, GimmeError) else name
        assert decision.reason == f"{shown}: another attempt would end the same way"


def test_an_error_that_cannot_heal_is_not_retried() -> None:
    """The engine's word counts, such as for a certificate that is not trusted."""
    error = ConnectError("x", sent=False)
    error.retryable = False
    assert ask(RetryRules(), error).reason == "connection: another attempt would end the same way"


SAFE = [
    (ConnectError("x", sent=False), True),
    (CallTimeoutError("x", sent=False), True),
    (status(429), True),
    (POST_503, True),
    (ConnectError("x"), False),
    (CallTimeoutError("x"), False),
    (TimeoutError(), False),
    (ConnectionResetError(), False),
    (status(503), False),
    (status(500), False),
    (status(503, 5), False),
]


@pytest.mark.parametrize("error,safe", SAFE)
def test_a_post_is_retried_only_where_it_was_not_processed(error: BaseException, safe: bool) -> None:  # noqa: FBT001
    """With no `retry` written: not connected, 429, 503 with Retry-After; else the reason says how to allow it."""
    decision = ask(RetryRules(safe_only=True), error)
    assert decision.retry is safe
    assert ask(RetryRules(), error).retry
    if not safe:
        assert "may have been processed" in decision.reason
        assert "write 'retry' at the step, or 'idempotency: supported'" in decision.reason


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_limit_counts_retries(limit: int) -> None:
    """After `limit` retries the call has failed."""
    rules = RetryRules(limit=limit)
    assert [ask(rules, status(503), used=used).retry for used in range(5)] == [used < limit for used in range(5)]
    reasons = {0: "status 503; no retries allowed", 1: "status 503; the limit of 1 retries is used up"}
    assert ask(rules, status(503), used=limit).reason == reasons.get(
        limit, "status 503; the limit of 3 retries is used up"
    )


@given(elapsed=durations, limit=durations)
def test_nothing_begins_beyond_max_duration(elapsed: timedelta, limit: timedelta) -> None:
    """A retry is made only if it can begin in time."""
    rules = RetryRules(max_duration=limit)
    decision = ask(rules, status(503), elapsed=elapsed)
    assert decision.retry is (elapsed + 5 * S <= limit)
    assert decision.retry or "beyond 'max_duration'" in decision.reason
