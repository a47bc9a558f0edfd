"""Keep what a fan-out has done and tell how far it is, while it goes on with its calls."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.operators.progress import PROGRESS_KEY, Progress

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.attempts import StateStore
    from airflow_provider_gimme.operators.journal import Journal

__all__ = ["Keeper"]

_FLUSH_SECONDS = 0.4
_TELL_SECONDS = 5.0
_GONE = frozenset({403, 404, 409, 410})
"""What Airflow answers to a task that it does not want to run any more."""


@dataclass
class Keeper:
    """Write the journal twice a second, the progress every second, and a line of the log every few seconds."""

    journal: Journal
    store: StateStore
    progress: Progress
    log: logging.Logger | Any
    stop: Callable[[str], None]
    """Is told where Airflow does not know the task any more."""
    every_seconds: float = _FLUSH_SECONDS
    tell_seconds: float = _TELL_SECONDS
    clock: Callable[[], float] = time.monotonic

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Keep while the block runs, and at its end, however it ends."""
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.wait([work])
            await asyncio.to_thread(self._write, self.progress.shown())

    async def _work(self) -> None:
        told, shown = self.clock(), self.progress.shown()
        turns = 0
        while True:
            await asyncio.sleep(self.every_seconds)
            turns += 1
            if turns % 2 == 0:
                shown = self.progress.shown()
            (failure,) = await asyncio.gather(
                asyncio.to_thread(self._write, shown if turns % 2 == 0 else None), return_exceptions=True
            )
            if failure is not None:
                self._failed(failure)
            if self.clock() - told >= self.tell_seconds:
                told = self.clock()
                self.log.info("%s", self.progress.line(shown))

    def _write(self, shown: dict[str, Any] | None) -> None:
        """Write what there is; all of it is slow, and one at a time, as Airflow wants it."""
        self.journal.flush()
        if shown is not None:
            self.store.set(PROGRESS_KEY, shown)

    def _failed(self, failure: BaseException) -> None:
        answer = getattr(getattr(failure, "error", None), "detail", None)
        if isinstance(answer, dict) and answer.get("status_code") in _GONE:
            self.stop("Airflow does not want this task to run any more: it was cleared, or ended")
        self.log.warning("The checkpoint could not be written (%s); it is tried again.", type(failure).__name__)
