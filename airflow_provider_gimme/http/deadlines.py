"""Bound many attempts in time with one timer of the event loop.

A timer for each would stay in the loop's heap until long after the attempt, and costs more than most else of a call.
"""

from __future__ import annotations

import asyncio

__all__ = ["Deadlines"]


class Deadlines:
    """The limits of what is under way in one event loop."""

    def __init__(self) -> None:
        self._moments: dict[asyncio.Timeout, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, clock: asyncio.Timeout, seconds: float) -> None:
        """Let a clock that has no limit of its own, and whose block has begun, expire after so many seconds."""
        loop = asyncio.get_running_loop()
        self._moments[clock] = moment = loop.time() + seconds
        if self._timer is None or moment < self._timer.when():
            self._arm(loop, moment)

    def end(self, clock: asyncio.Timeout) -> None:
        """Forget a clock; the timer goes on until it finds nothing to do."""
        self._moments.pop(clock, None)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, moment: float) -> None:
        self.close()
        self._timer = loop.call_at(moment, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for clock in [clock for clock, moment in self._moments.items() if moment <= now]:
            del self._moments[clock]
            clock.reschedule(now)
        if self._moments:
            self._arm(loop, min(self._moments.values()))
