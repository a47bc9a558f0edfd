"""One attempt of one call: sent, counted, told in one line of the task's log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import CallError, StepError
from airflow_provider_gimme.http.record import CallRecord, format_call
from airflow_provider_gimme.http.retry import ATTEMPT_LIMIT, Decision, RetryRules, decide, may_be_processed, within
from airflow_provider_gimme.operators.attempts import DONE, AttemptRecord, Attempts

if TYPE_CHECKING:
    from airflow_provider_gimme.hooks.target import Target
    from airflow_provider_gimme.http.outcome import Judge
    from airflow_provider_gimme.http.redaction import Redactor
    from airflow_provider_gimme.http.request import Request, Response
    from airflow_provider_gimme.http.sink import Sink
    from airflow_provider_gimme.operators.engine import Engine
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["Call"]

_GRACE = timedelta(seconds=1)
"""How much longer than its exchange an attempt may take: the exchange itself tells best which limit it met."""


@dataclass
class Call:
    """The call of a task: its attempts so far, and the one that is made now."""

    attempts: Attempts
    rules: RetryRules
    engine: Engine
    redactor: Redactor
    log: logging.Logger | Any
    random: Callable[[], float]
    _records: list[CallRecord] = field(default_factory=list, init=False)
    _begun: bool = field(default=False, init=False)

    @classmethod
    def load(
        cls, run: TaskRun, rules: RetryRules, engine: Engine, redactor: Redactor, log: Any, *, on_crash: bool = True
    ) -> Call:
        """Return the call with what is known of its attempts.

        :raises StepError: where the process died in the latest one, and the file says that this is an error.
        """
        from random import SystemRandom

        attempts = Attempts.load(run.store, run.max_tries)
        if attempts.crashed and not on_crash:
            raise StepError(
                "the process died during the call, so nobody knows whether it was done, and 'on_crash' is false. "
                "Look whether it was, and clear the task to call again."
            )
        return cls(attempts, rules, engine, redactor, log, SystemRandom().random)

    @property
    def upcoming(self) -> int:
        """The number of the attempt that is made next, from 1."""
        return self.attempts.number + 1

    def next_entry(self, rules: RetryRules, error: str) -> None:
        """Go on with the next entry of the fallback; ``error`` is why this one has failed for good, in a line."""
        self.attempts, self.rules, self._begun = self.attempts.next_entry(error), rules, False
        self._records.clear()

    def send(
        self,
        request: Request,
        target: Target,
        accepts: Callable[[int], bool],
        attempt_limit: timedelta,
        limit: timedelta | None,
        *,
        sink: Sink | None = None,
        read_timeout: timedelta | None = None,
        judge: Judge | None = None,
        called: str = ATTEMPT_LIMIT,
    ) -> Response:
        """Make one attempt and return its answer.

        ``attempt_limit`` bounds the exchange, ``limit`` everything, ``read_timeout`` the silence within a body, which
        goes into ``sink`` where there is one. ``judge`` rules over the answer before its status does. ``called`` is
        what messages call ``attempt_limit``.

        :raises CallError: where there is no good answer.
        """
        self.attempts = self.attempts.begin()
        self._begun = True
        if limit is not None and limit < attempt_limit:
            attempt_limit, called = limit, "the step's 'timeout'"
        shortest, called = within(self.rules, attempt_limit, called, self.attempts.elapsed)
        options: dict[str, Any] = {"expected": accepts, "sink": sink, "read_timeout": read_timeout}
        options |= {"judge": judge, "limit": called}
        response = self.engine.run(self._exchange(request, target, shortest, options), shortest + _GRACE)
        self._note(None)
        self.attempts = self.attempts.end(self._record(DONE, None), failed=False)
        return response

    def decide(self, error: CallError) -> Decision:
        """Decide what comes after an error of the call, and keep and log it."""
        decision = decide(
            self.rules, error, retries_used=self.attempts.failed, elapsed=self.attempts.elapsed, random=self.random
        )
        self._end(decision, reached=may_be_processed(error))
        return decision

    def give_up(self, reason: str) -> None:
        """Keep and log that no other attempt is made, for a reason that is not the call's."""
        self._end(Decision(retry=False, wait=timedelta(0), reason=reason), reached=True)

    def _end(self, decision: Decision, *, reached: bool) -> None:
        if not self._begun:
            return
        self._note(decision)
        record = self._record(decision.reason, decision.wait if decision.retry else None)
        self.attempts = self.attempts.end(record, failed=True, reached=reached)

    async def _exchange(
        self, request: Request, target: Target, within: timedelta, options: Mapping[str, Any]
    ) -> Response:
        async with target.client(self.redactor, self._records.append) as client:
            return await client.send(request, timeout=within, attempt=self.attempts.number, **options)

    def _note(self, decision: Decision | None) -> None:
        for record in self._records[-1:]:
            self.log.info("%s", format_call(record, decision))

    def _record(self, reason: str, wait: timedelta | None) -> AttemptRecord:
        seconds = None if wait is None else round(wait.total_seconds(), 3)
        if not self._records:
            return AttemptRecord(reason=reason, wait_seconds=seconds)
        last = self._records[-1]
        return AttemptRecord(last.status, round(last.ms), last.bytes_received, reason, seconds)
