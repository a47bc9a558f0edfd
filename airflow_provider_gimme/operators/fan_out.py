"""One call for each item of a list, many at once: each with its attempts, recorded as it ends, none made twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import (
    AnswerError,
    CallError,
    ExpressionError,
    GimmeError,
    ItemsError,
    SecretError,
    StepError,
)
from airflow_provider_gimme.http.calling import Terms
from airflow_provider_gimme.http.client import Client
from airflow_provider_gimme.http.record import format_call
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.operators.engine import seldom_collected
from airflow_provider_gimme.operators.item_call import ItemCall
from airflow_provider_gimme.operators.items import Units
from airflow_provider_gimme.operators.ledger import Ledger, to_line
from airflow_provider_gimme.operators.shown import hide
from airflow_provider_gimme.plan.fallback import ValueWork

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.hooks.storage import Storage
    from airflow_provider_gimme.hooks.target import Target
    from airflow_provider_gimme.http.record import CallRecord
    from airflow_provider_gimme.http.request import Request
    from airflow_provider_gimme.http.retry import Decision
    from airflow_provider_gimme.operators.items import Items, Unit
    from airflow_provider_gimme.operators.keeping import Keeper
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan.call import CallWork
    from airflow_provider_gimme.plan.for_each import ItemsPlan

__all__ = ["Entry", "FanOut"]

_REASON = 300
"""The most characters that are kept of why an item failed."""

_TOLD = 10
"""How many failed items have a line of the log each."""


@dataclass(frozen=True)
class Entry:
    """What is tried for an item: the step's own call, or one of its fallbacks."""

    work: CallWork | ValueWork
    terms: Terms
    target: Target | None = None
    """Where its calls go; None where it makes none."""


class _Stopped(Exception):  # noqa: N818 - it is no error of anything
    """Ends an item that would wait for another attempt while the step is failing."""


@dataclass
class FanOut:
    """Call for the items of one step.

    An item with a record is not called for again, after a crash or a clear, unless the record is of a failure and
    somebody has cleared the step since.
    """

    run: TaskRun
    plan: ItemsPlan
    entries: tuple[Entry, ...]
    scope: Scope
    items: Items
    ledger: Ledger
    keeper: Keeper
    storage: Storage
    redactor: Redactor
    log: logging.Logger | Any
    secrets: Callable[[], frozenset[str]] = frozenset
    """What is hidden in outputs, as far as it is known."""
    announce: Callable[[int], None] | None = None
    """Is told how many items, from the first one on, may be begun, before they are; it takes time."""
    sent: Request | None = field(default=None, init=False)
    """The request that was made last."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _hiding: tuple[int, Redactor] = field(default_factory=lambda: (0, Redactor()), init=False)
    _told: int = field(default=0, init=False)

    async def call_all(self) -> None:
        """Call for all items that have no record.

        :raises ItemsError: where more items failed than ``tolerate`` allows; no others are begun from then on.
        :raises GimmeError: what no item can be called for without: a secret, the list.
        """
        earlier = await asyncio.to_thread(self.ledger.load)
        if earlier:
            self.log.info("%d items were recorded before; going on with the others", earlier)
        if self.plan.key is not None:
            await self._check_keys()
        with seldom_collected():
            await self._call_missing()
        self._check()

    async def _call_missing(self) -> None:
        async with self.keeper.at_work(), aclosing(self._missing()) as missing, AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(self._client(entry.target)) for entry in self.entries]
            await self._work_off(Units(missing), clients)

    async def _work_off(self, units: Units, clients: Sequence[Client]) -> None:
        """Let as many workers as there may be take one unit after the other."""
        workers = [asyncio.create_task(self._worker(units, clients)) for _ in range(self.plan.max_parallel)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _check_keys(self) -> None:
        """Find two items of the same key before anything is sent."""
        known: dict[str, int] = {}
        async for block in self.items.blocks(self._key):
            for unit in block:
                first = known.setdefault(unit.id, unit.index)
                if first != unit.index:
                    raise StepError(
                        f"for_each.key gives items {first} and {unit.index} the same key, '{unit.id[:100]}'. Write "
                        "one that tells them apart."
                    )

    def _key(self, index: int, value: Any) -> str:
        if self.plan.key is None:
            raise RuntimeError("a key is written")
        try:
            return self.plan.key.evaluate(self.plan.scope(self.scope, index, value))
        except ExpressionError as error:
            problem = StepError(f"item {index} has no key: {error.message}")
        raise problem

    async def _missing(self) -> AsyncGenerator[list[Unit], None]:
        """Yield the units to call for, some at a time; those that have a record get what it says."""
        count = 0
        async for block in self.items.blocks(None if self.plan.key is None else self._key):
            count = block[-1].index + block[-1].count
            if self.announce is not None:
                await asyncio.to_thread(self.announce, count)
            known = [self.ledger.recall(unit) for unit in block]
            if "failed" in known:
                self._stop_early()
            yield [unit for unit, what in zip(block, known, strict=True) if what is None]
        self.ledger.progress.total = self.items.total = count
        self._stop_early()

    async def _worker(self, units: Units, clients: Sequence[Client]) -> None:
        progress = self.ledger.progress
        while True:
            unit = None if self._stopping.is_set() else units.take() or await units.wait()
            if unit is None or self._stopping.is_set():
                return
            progress.in_flight += unit.count
            try:
                await self._unit(unit, clients)
            except _Stopped:
                return
            finally:
                progress.in_flight -= unit.count

    async def _unit(self, unit: Unit, clients: Sequence[Client]) -> None:
        """Make the call of a unit, and those of its fallbacks, and record what came of it."""
        scope, attempts = self.plan.scope(self.scope, unit.index, unit.value), 0
        for number, (entry, client) in enumerate(zip(self.entries, clients, strict=True)):
            try:
                line = self._line(unit, await self._try(number, entry, unit, scope, client))
            except SecretError:
                raise
            except GimmeError as error:
                attempts += error.attempt if isinstance(error, CallError) else 0
                if isinstance(error, CallError) and entry is not self.entries[-1]:
                    continue
                self._fail(unit, error, attempts)
            else:
                self.ledger.done(unit, line)
            return

    async def _try(self, number: int, entry: Entry, unit: Unit, scope: Scope, client: Client) -> Any:
        """Return the output that an entry gives for a unit."""
        work, target = entry.work, entry.target
        if isinstance(work, ValueWork) or target is None:
            return work.value.evaluate(scope) if isinstance(work, ValueWork) else None
        return await ItemCall(self, work, entry.terms, target.base_url, client, unit, number).output(scope)

    def _line(self, unit: Unit, output: Any) -> str:
        """Return an output as a line of JSON, without what is secret.

        :raises StepError: where it is not what an output may be.
        """
        if self.plan.batch_size is not None and (not isinstance(output, list) or len(output) != unit.count):
            count = f"a list of {len(output)}" if isinstance(output, list) else "no list"
            raise StepError(
                f"the call is for {unit.count} items, and its output is {count}. Write a 'response_transform' that "
                "yields one value for each item."
            )
        try:
            line = to_line(output)
        except ValueError:
            line = ""
        if not line:
            raise StepError("the output holds a number that JSON does not know (NaN or Infinity)")
        secrets = self.secrets()
        if len(secrets) != self._hiding[0]:
            self._hiding = (len(secrets), Redactor(secrets))
        redactor = self._hiding[1]
        return to_line(hide(output, redactor)) if secrets and redactor.hides(line) else line

    def _fail(self, unit: Unit, error: GimmeError, attempts: int) -> None:
        reason = " ".join(str(hide(str(error), self.redactor)).split())
        reason = reason if len(reason) <= _REASON else f"{reason[: _REASON - 1]}…"
        self.ledger.failed(unit, error.status if isinstance(error, AnswerError) else None, reason, attempts)
        self._stop_early()
        self._told += 1
        if self._told <= _TOLD:
            more = " (the next ones are only counted)" if self._told == _TOLD else ""
            told = hide(getattr(error, "__notes__", [reason])[-1], self.redactor)
            self.log.warning("Item %d failed: %s%s", unit.index, told, more)

    def _stop_early(self) -> None:
        if self.plan.stops_early and not self.plan.tolerance.allows(self.ledger.progress.failed, self.items.total):
            self._stopping.set()

    def _check(self) -> None:
        """Raise where too many have failed."""
        failed, total = self.ledger.progress.failed, self.items.total
        if self.plan.tolerance.allows(failed, total):
            return
        first, of = self.ledger.failures()[0], "" if total is None else f" of {total:,}"
        raise ItemsError(
            f"{failed:,}{of} items failed, and 'tolerate' allows {self.plan.tolerance}; "
            f"{self.ledger.progress.done:,} are done. Item {first['index']}: {first['reason']}\nClear the task to call "
            "again for those that failed or were not begun."
        )

    def note(self, record: CallRecord | None, error: CallError, decision: Decision) -> None:
        """Count an attempt that failed."""
        self.ledger.progress.calls += record is not None
        if record is not None and not decision.retry:
            error.add_note(format_call(record, decision))

    async def sleep(self, seconds: float) -> None:
        """Wait for the next attempt of an item, but not while the step is failing."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise _Stopped

    def _client(self, target: Target | None) -> Client:
        """Return the client of an entry; that of one without calls is not used."""
        if target is None:
            return Client("http://localhost")
        return target.client(self.redactor)
