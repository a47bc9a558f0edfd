"""How far a fan-out is: in the task's state while it runs, and as a line of the log every few seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PROGRESS_KEY", "Progress"]

PROGRESS_KEY = "progress"
"""The key of the task's state that tells how far it is."""

_WINDOW_SECONDS = 10.0
"""Over how long the speed is measured."""


@dataclass
class Progress:
    """What is counted while items are called for."""

    total: int | None
    """How many items there are, where that is known."""
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    failed: int = 0
    in_flight: int = 0
    """How many items are being called for."""
    calls: int = 0
    """How many calls were answered or failed, repeated ones included."""
    earlier: int = 0
    """How many items were done or failed already when this process began."""
    _marks: deque[tuple[float, int, int]] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self._marks.append((self.clock(), 0, 0))

    def shown(self) -> dict[str, Any]:
        """Return what is told: numbers, and null for what nobody knows yet. It also measures the speed."""
        now, ended = self.clock(), self.done + self.failed - self.earlier
        self._marks.append((now, self.calls, ended))
        while len(self._marks) > 2 and now - self._marks[1][0] >= _WINDOW_SECONDS:
            self._marks.popleft()
        since, calls, items = self._marks[0]
        seconds = max(now - since, 1e-9)
        speed = (ended - items) / seconds
        left = None if self.total is None else self.total - self.done - self.failed
        return {
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "in_flight": self.in_flight,
            "calls_per_second": round((self.calls - calls) / seconds, 1),
            "seconds_left": 0 if left == 0 else round(left / speed, 1) if left and speed > 0 else None,
        }

    @staticmethod
    def line(shown: dict[str, Any]) -> str:
        """Return the line of the log for what :meth:`shown` has returned."""
        total = "" if shown["total"] is None else f" of {shown['total']:,}"
        left = "" if shown["seconds_left"] is None else f", about {shown['seconds_left']:,.0f} s left"
        return (
            f"{shown['done']:,}{total} items done, {shown['failed']:,} failed, {shown['in_flight']:,} in flight, "
            f"{shown['calls_per_second']:,.1f} calls/s{left}"
        )
