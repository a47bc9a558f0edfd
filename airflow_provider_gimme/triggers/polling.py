"""Ask a job for its state, again and again, until it is over or nobody waits any longer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_gimme.errors import CallError
from airflow_provider_gimme.http.asked import asked_wait
from airflow_provider_gimme.http.client import Client
from airflow_provider_gimme.http.record import format_call
from airflow_provider_gimme.http.retry import decide

if TYPE_CHECKING:
    from airflow_provider_gimme.http.record import CallRecord
    from airflow_provider_gimme.http.redaction import Redactor
    from airflow_provider_gimme.http.request import Response
    from airflow_provider_gimme.triggers.ask import Opened
    from airflow_provider_gimme.triggers.reading import JobReader
    from airflow_provider_gimme.triggers.watch import PollTerms

__all__ = ["Poller", "Told"]

_ENDLESS = 1_000_000_000
"""How often a poll that fails for a moment is made again: what ends it is the deadline."""


@dataclass(frozen=True)
class Told:
    """What one poll told of a job; ``unknown``: it failed in a way that another one may not."""

    state: Literal["done", "failed", "running", "unknown"]
    wait: timedelta
    """How long to wait before the next one."""
    answer: Response | None = None
    progress: Any = None
    error: CallError | None = None
    """What went wrong with it."""


@dataclass
class Poller:
    """Poll one job. A poll that fails as ``retry.on`` says is no verdict: only the deadline ends it."""

    opened: Opened
    reader: JobReader
    terms: PollTerms
    redactor: Redactor
    polls: int = 0
    log: logging.Logger | Any = field(default_factory=lambda: logging.getLogger(__name__))
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = SystemRandom().random
    _failures: int = field(default=0, init=False)
    _last: CallRecord | None = field(default=None, init=False)

    async def once(self, client: Client | None = None) -> Told:
        """Poll once.

        :raises CallError: where another poll would end the same way.
        :raises ExpressionError: where a condition cannot be evaluated over the answer.
        """
        if client is None:
            async with self.opened.target.client(self.redactor, self._keep) as own:
                return await self.once(own)
        self.polls, self._last = self.polls + 1, None
        try:
            answer = await client.send(
                self.opened.located(client),
                timeout=self.terms.attempt_limit,
                attempt=self.polls,
                expected=self.terms.accepts,
            )
        except CallError as error:
            return self._failed(error)
        self._failures = 0
        wait = max(self.terms.rhythm.wait(self.polls), asked_wait(answer.headers, self.now()) or timedelta(0))
        return Told(self.reader.state(answer), wait, answer, self.reader.told(answer))

    async def until_over(
        self, begin: datetime, deadline: datetime, on_progress: Callable[[Any], Awaitable[None]]
    ) -> Told | None:
        """Poll from ``begin`` on until the job is over; None where it is not by the deadline.

        ``on_progress`` gets what the answers tell of it whenever that has changed.

        :raises CallError: where another poll would end the same way.
        :raises ExpressionError: where a condition cannot be evaluated over the answer.
        """
        shown: Any = None
        async with self.opened.target.client(self.redactor, self._keep) as client:
            while await self._wait_for(begin, deadline):
                told = await self.once(client)
                if told.progress not in (None, shown):
                    shown = told.progress
                    await on_progress(shown)
                if told.state in {"done", "failed"}:
                    return told
                begin = self.now() + told.wait
        return None

    async def _wait_for(self, moment: datetime, deadline: datetime) -> bool:
        """Wait for a moment; False where the deadline comes first."""
        wait = (min(moment, deadline) - self.now()).total_seconds()
        if wait > 0:
            await self.sleep(wait)
        return moment < deadline

    def _failed(self, error: CallError) -> Told:
        rules = replace(self.terms.rules, limit=_ENDLESS, max_duration=None, safe_only=False)
        decision = decide(rules, error, retries_used=self._failures, elapsed=timedelta(0), random=self.random)
        shown = str(error) if self._last is None else format_call(self._last, decision)
        self.log.warning("A poll told nothing: %s", shown)
        if not decision.retry:
            raise error
        self._failures += 1
        return Told("unknown", decision.wait, error=error)

    def _keep(self, record: CallRecord) -> None:
        self._last = record
