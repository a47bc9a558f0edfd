"""The ledger: every call a stand-in got, exactly, and how many were open at once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["INSTANCE", "KEY", "Call", "Ledger", "Recorder"]

INSTANCE = "X-Workflow-Instance"
KEY = "Idempotency-Key"


@dataclass(frozen=True)
class Call:
    """One call as the stand-in saw it.

    ``opened`` and ``closed`` are seconds of this machine's monotonic clock (comparable to ``time.monotonic()`` of
    any process on it). ``closed`` is taken just before the last byte of the answer is written: whoever has the
    whole answer is no longer open. ``headers`` and ``body`` lose nothing: bytes that are not UTF-8 are kept as
    surrogates (``surrogateescape``).
    """

    number: int
    """Counts from 1, in the order in which calls arrived."""
    method: str
    path: str
    """The path, decoded."""
    target: str
    """What stood in the request line: the path as it was encoded, and the query."""
    headers: tuple[tuple[str, str], ...]
    opened: float
    body: str = ""
    closed: float | None = None
    status: int | None = None
    """What was sent; None while open, or where no status line was sent."""
    cut: bool = False
    """Whether the client went away before it had the answer."""
    fault: str = ""
    """The fault this call met, in words; empty for none."""
    replayed: bool = False
    """Whether the answer was that of an earlier call with the same idempotency key."""

    def header(self, name: str) -> str | None:
        """Return the first header of this name, in any case."""
        return next(iter(self.headers_named(name)), None)

    def headers_named(self, name: str) -> list[str]:
        """Return all headers of this name, in any case and in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def query(self) -> str:
        """The query as it was encoded, without its question mark."""
        return self.target.partition("?")[2]

    @property
    def key(self) -> str | None:
        """The idempotency key."""
        return self.header(KEY)

    @property
    def instance(self) -> str | None:
        """The run that made the call."""
        return self.header(INSTANCE)

    @property
    def json(self) -> Any:
        """The body, parsed; None without one."""
        return json.loads(self.body) if self.body else None

    @property
    def seconds(self) -> float | None:
        """How long it was open; None while it is."""
        return None if self.closed is None else self.closed - self.opened


@dataclass(frozen=True)
class Ledger:
    """What a stand-in got since it was started or reset."""

    calls: tuple[Call, ...]
    """Every call, in the order in which it arrived; those of the control API are not among them."""
    most: Mapping[tuple[str | None, str | None], int] = field(default_factory=dict)
    """(path, run) to how many calls were open at once at most; None stands for all of them."""

    def to(self, path: str, method: str | None = None) -> tuple[Call, ...]:
        """Return the calls to one path."""
        return tuple(call for call in self.calls if call.path == path and method in (None, call.method))

    def counts(self) -> dict[str, int]:
        """Return how many calls each path got."""
        return dict(Counter(call.path for call in self.calls))

    def statuses(self, path: str) -> list[int | None]:
        """Return what was sent for one path, in the order in which the calls arrived."""
        return [call.status for call in self.to(path)]

    def attempts(self, path: str | None = None) -> dict[str, list[Call]]:
        """Return idempotency key to the calls that carried it; more than one means that it was tried again."""
        found: dict[str, list[Call]] = {}
        for call in self.calls:
            if call.key is not None and path in (None, call.path):
                found.setdefault(call.key, []).append(call)
        return found

    def retries(self) -> int:
        """Return how many calls were made again under a key that had been seen before."""
        return sum(len(calls) - 1 for calls in self.attempts().values())

    def open_now(self) -> tuple[Call, ...]:
        """Return the calls that have not been answered yet."""
        return tuple(call for call in self.calls if call.closed is None)

    def most_open(self, path: str | None = None, instance: str | None = None) -> int:
        """Return how many calls were open at once at most: to a path, of a run, or of all."""
        return self.most.get((path, instance), 0)

    def to_json(self) -> dict[str, Any]:
        """Return the ledger as JSON data."""
        most = [{"path": path, "instance": instance, "most": count} for (path, instance), count in self.most.items()]
        return {"calls": [asdict(call) for call in self.calls], "most_open": most}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ledger:
        """Return the ledger that :meth:`to_json` has written."""
        calls = (Call(**{**call, "headers": tuple(map(tuple, call["headers"]))}) for call in data["calls"])
        most = {(entry["path"], entry["instance"]): entry["most"] for entry in data["most_open"]}
        return cls(tuple(calls), most)


class Recorder:
    """Write the ledger while calls come and go."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[int, Call] = {}
        self._open: Counter[tuple[str | None, str | None]] = Counter()
        self._most: dict[tuple[str | None, str | None], int] = {}

    def open(self, method: str, path: str, target: str, headers: tuple[tuple[str, str], ...]) -> Call:
        """Note that a call has arrived."""
        call = Call(len(self._calls) + 1, method, path, target, headers, self._clock())
        self._calls[call.number] = call
        for place in _places(call):
            self._open[place] += 1
            self._most[place] = max(self._most.get(place, 0), self._open[place])
        return call

    def note(self, number: int, **facts: Any) -> Call:
        """Note more about a call: its body, the fault it met."""
        call = self._calls[number] = replace(self._calls[number], **facts)
        return call

    def close(self, number: int, **facts: Any) -> None:
        """Note that a call is over; only the first time counts, later facts are added."""
        if self._calls[number].closed is None:
            facts["closed"] = self._clock()
            self._open.subtract(_places(self._calls[number]))
        self.note(number, **facts)

    def open_now(self, path: str) -> int:
        """Return how many calls to a path are open now."""
        return self._open[(path, None)]

    def ledger(self) -> Ledger:
        """Return what has been written so far."""
        return Ledger(tuple(self._calls.values()), dict(self._most))


def _places(call: Call) -> tuple[tuple[str | None, str | None], ...]:
    everywhere: tuple[tuple[str | None, str | None], ...] = ((None, None), (call.path, None))
    return everywhere if call.instance is None else (*everywhere, (None, call.instance), (call.path, call.instance))
