"""One call with its attempts, all in this process: of a page, a poll, an item, a token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import SystemRandom
from typing import TYPE_CHECKING

from airflow_provider_gimme.errors import CallError
from airflow_provider_gimme.http.outcome import Judge, is_success
from airflow_provider_gimme.http.record import CallRecord
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.http.retry import ATTEMPT_LIMIT, Decision, RetryRules, decide, within
from airflow_provider_gimme.http.sink import Sink

if TYPE_CHECKING:
    from airflow_provider_gimme.http.client import Client

__all__ = ["OnDecision", "Terms", "call"]

_RANDOM = SystemRandom()

OnDecision = Callable[[CallRecord | None, CallError, Decision], None]
"""Is told of each failed attempt: its record (None where nothing was sent), its error, and what was decided."""


@dataclass(frozen=True)
class Terms:
    """On which terms a call is made."""

    rules: RetryRules = field(default_factory=RetryRules)
    """When and how it is tried again."""
    expected: Callable[[int], bool] = is_success
    """Which statuses are good."""
    judge: Judge | None = None
    """What else makes an answer good or bad."""
    timeout: timedelta = timedelta(seconds=60)
    """The limit of one attempt."""
    limit: str = ATTEMPT_LIMIT
    """How that limit is called in messages: the key that it is written under."""
    read_timeout: timedelta | None = None
    """How long a body may be silent between two pieces; see :meth:`Client.send`."""


async def call(
    client: Client,
    make: Callable[[int], Request],
    terms: Terms,
    *,
    sink: Sink | None = None,
    on_decision: OnDecision | None = None,
    random: Callable[[], float] = _RANDOM.random,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    """Make a call and return its answer, after as many attempts as it takes and its rules allow.

    ``make`` gives the request of an attempt, counted from 1: credentials and templates are made anew each time.
    ``sink`` takes the body of a good answer. ``on_decision`` is told of each failed attempt. ``max_duration`` cuts an
    attempt that would go on beyond it. It can be cancelled wherever it waits.

    :raises CallError: the last attempt's; its ``attempt`` says which that was.
    """
    began, attempt = clock(), 0
    while True:
        attempt += 1
        records: list[CallRecord] = []
        request = make(attempt)
        timeout, limit = terms.timeout, terms.limit
        if terms.rules.max_duration is not None:
            timeout, limit = within(terms.rules, timeout, limit, timedelta(seconds=clock() - began))
        try:
            return await client.send(
                request,
                timeout=timeout,
                attempt=attempt,
                expected=terms.expected,
                judge=terms.judge,
                limit=limit,
                sink=sink,
                read_timeout=terms.read_timeout,
                on_failure=records.append,
            )
        except CallError as error:
            elapsed = timedelta(seconds=clock() - began)
            decision = decide(terms.rules, error, retries_used=attempt - 1, elapsed=elapsed, random=random)
            if on_decision is not None:
                on_decision(records[-1] if records else None, error, decision)
            if not decision.retry:
                raise
        await sleep(decision.wait.total_seconds())
