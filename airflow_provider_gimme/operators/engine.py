"""Run one coroutine in a task: to its end, to its limit, or until Airflow wants it to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.errors import CallTimeoutError

__all__ = ["Engine", "seldom_collected"]

_Result = TypeVar("_Result")
_SOCKETS = 8
"""How many sockets are read from before anything else is done: fewer take more rounds, more wait for each other."""

_COLLECTED_EVERY = 100_000
"""How many objects more there are than before when Python looks for garbage."""


@dataclass
class Engine:
    """Run coroutines, one at a time, each of which can be stopped from a signal handler.

    Every second it looks at the parent process: when Airflow's supervisor is killed, the task's process stays alive and
    would call on while Airflow starts the task again; so it stops when its parent has changed.
    """

    parent: Callable[[], int] = os.getppid
    watch_every: timedelta = timedelta(seconds=1)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)
    _work: asyncio.Task[Any] | None = field(default=None, init=False, repr=False)
    _reason: str | None = field(default=None, init=False, repr=False)

    def run(self, work: Coroutine[Any, Any, _Result], limit: timedelta | None = None) -> _Result:
        """Run a coroutine and return what it returns.

        :raises CallTimeoutError: where it takes longer than ``limit``.
        :raises asyncio.CancelledError: where it was stopped.
        """
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(self._run(work, limit))

    def stop(self, reason: str) -> None:
        """Stop what runs, from any thread or a signal handler; without anything running do nothing."""
        if self._loop is None or self._work is None or self._loop.is_closed():
            return
        self._reason = reason
        self._loop.call_soon_threadsafe(self._work.cancel)

    async def _run(self, work: Coroutine[Any, Any, _Result], limit: timedelta | None) -> _Result:
        self._loop, self._reason = asyncio.get_running_loop(), None
        self._work = task = asyncio.create_task(work)
        watcher = asyncio.create_task(self._watch(self.parent()))
        clock = asyncio.timeout(None if limit is None else max(0.0, limit.total_seconds()))
        try:
            async with clock:
                return await task
        except TimeoutError:
            if clock.expired():
                raise CallTimeoutError(
                    f"not done within the step's limit of {format_duration(limit or timedelta())}"
                ) from None
            raise
        except asyncio.CancelledError:
            raise asyncio.CancelledError(self._stopped_for()) from None
        finally:
            watcher.cancel()
            self._work = None

    def _stopped_for(self) -> str:
        return self._reason or "cancelled"

    async def _watch(self, parent: int) -> None:
        while self.parent() == parent:  # noqa: ASYNC110 - nobody tells a process that its parent has gone
            await asyncio.sleep(self.watch_every.total_seconds())
        self.stop("Airflow's supervisor of this task is gone, so the task stops")


class _FewAtOnce(selectors.DefaultSelector):
    """Hand over some of the sockets that are ready at a time.

    An event loop reads from all of them before it goes on with what was read. Where many answers come in together, that
    delays each next call by the time that all of them take, so that they come in together again.
    """

    _waiting: list[tuple[selectors.SelectorKey, int]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the next ones of those that were ready when it was last looked; look when there is none."""
        found = self._waiting or super().select(timeout)
        now, self._waiting = found[:_SOCKETS], found[_SOCKETS:]
        known = self.get_map()
        return [(key, events) for key, events in now if known.get(key.fd) is key]  # or it was closed meanwhile


def _new_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(_FewAtOnce())


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let Python look for garbage in cycles more seldom, and not in what Airflow has loaded: a call makes next to none.

    It would take more time than the rendering of a request. What a process has from the one that it is a fork of stays
    out of it afterwards, too: to look at that memory is to copy it.
    """
    thresholds, inherited = gc.get_threshold(), gc.get_freeze_count()
    gc.freeze()
    gc.set_threshold(_COLLECTED_EVERY, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if not inherited:
            gc.unfreeze()
