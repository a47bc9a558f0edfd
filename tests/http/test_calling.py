"""A call with its attempts in one process: requests made anew, waits, limits, what is told of each attempt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import CallError, CallTimeoutError, ExpressionError, OutcomeError, StatusError
from airflow_provider_gimme.http import CallRecord, Client, Decision, Request, RetryRules
from airflow_provider_gimme.http.calling import Terms, call
from airflow_provider_gimme.http.outcome import Ruling
from tests.http.conftest import SECOND, Serve, Server


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def __call__(self) -> float:
        return self.now


async def answering(serve: Serve, *statuses: int, **headers: str) -> Server:
    """Serve one status after the other, the last again and again; the body is the status."""
    left = list(statuses)

    async def handler(_request: web.Request) -> web.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        return web.json_response(status, status=status, headers=headers)

    return await serve(handler)


async def made(server: Server, terms: Terms, clock: Clock, **options: Any) -> Any:
    async with Client(server.base) as client:
        answer = await call(
            client,
            options.pop("make", lambda n: Request("GET", f"{server.base}/{n}")),
            terms,
            random=lambda: 0.0,
            sleep=clock.sleep,
            clock=clock,
            **options,
        )
        return answer.data()


async def test_each_attempt_has_a_request_of_its_own(serve: Serve) -> None:
    """It is made anew, with the number of its attempt, until one is answered well."""
    server, clock = await answering(serve, 503, 503, 200), Clock()
    assert await made(server, Terms(RetryRules(limit=3)), clock) == 200
    assert server.lines == ["GET /1", "GET /2", "GET /3"]
    assert clock.slept == [5, 10]


async def test_each_failed_attempt_is_told(serve: Serve) -> None:
    """With its record, its error and the decision; the last error is raised with its attempt's number."""
    server, clock = await answering(serve, 503), Clock()
    told: list[tuple[CallRecord | None, CallError, Decision]] = []
    with pytest.raises(StatusError) as caught:
        await made(server, Terms(RetryRules(limit=1)), clock, on_decision=lambda *heard: told.append(heard))
    assert [(record.status, record.attempt) for record, _, _ in told if record] == [(503, 1), (503, 2)]
    assert [decision.retry for _, _, decision in told] == [True, False]
    assert told[-1][2].reason == "status 503; the limit of 1 retries is used up"
    assert (told[-1][1] is caught.value, caught.value.attempt) == (True, 2)


async def test_a_rule_asks_for_another_attempt(serve: Serve) -> None:
    """And the wait is the longer of the backoff and what the server asks for."""
    server, clock = await answering(serve, 202, 200, **{"Retry-After": "30"}), Clock()
    terms = Terms(judge=lambda answer: Ruling("retry", "retry_when", "…") if answer.status == 202 else None)
    assert await made(server, terms, clock) == 200
    assert clock.slept == [30]


async def test_what_is_no_failure_of_the_call_ends_it_at_once(serve: Serve) -> None:
    """A request that cannot be rendered is not a call that could go better next time."""
    server, clock = await answering(serve, 200), Clock()

    def make(attempt: int) -> Request:
        raise ExpressionError(f"not in attempt {attempt}")

    with pytest.raises(ExpressionError, match="not in attempt 1"):
        await made(server, Terms(), clock, make=make)
    assert (server.calls, clock.slept) == ([], [])


async def test_max_duration_cuts_the_attempt_that_would_go_beyond_it(serve: Serve) -> None:
    """The message names it, and no other attempt begins."""

    async def handler(_request: web.Request) -> web.Response:
        await asyncio.sleep(20)
        return web.Response()

    server, clock = await serve(handler), Clock()
    terms = Terms(RetryRules(limit=9, max_duration=timedelta(milliseconds=150)), timeout=9 * SECOND)
    with pytest.raises(CallTimeoutError, match=r"within 150 ms \(what 'max_duration' 150 ms leaves\)"):
        await made(server, terms, clock)
    assert (len(server.calls), clock.slept) == (1, [])


@pytest.mark.parametrize("where", ["exchange", "wait"])
async def test_a_call_can_be_cancelled_wherever_it_waits(serve: Serve, where: str) -> None:
    """While an answer is awaited and between two attempts: it ends, and nothing more is sent."""
    waiting = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        if where == "exchange":
            waiting.set()
            await asyncio.sleep(20)
        return web.Response(status=503)

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.sleep(seconds)

    server = await serve(handler)
    async with Client(server.base) as client:
        task = asyncio.create_task(call(client, lambda n: Request("GET", f"{server.base}/{n}"), Terms(), sleep=sleep))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert server.lines == ["GET /1"]


async def test_a_failure_for_good_is_not_tried_again(serve: Serve) -> None:
    """Whatever the status and the limit."""
    server, clock = await answering(serve, 503), Clock()
    with pytest.raises(OutcomeError, match="'fail_when' is true"):
        await made(server, Terms(judge=lambda _answer: Ruling("fail", "fail_when", "…")), clock)
    assert len(server.calls) == 1
