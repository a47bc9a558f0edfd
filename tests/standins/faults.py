"""The faults a stand-in can be told to have, and the limits it can be told to keep."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from tests.standins.exchange import Answer, Received, Refusal, json_answer
from tests.standins.ledger import INSTANCE, KEY

__all__ = ["Fault", "Faults", "Limit", "Limits"]

SCHEDULED = "X-Gimme-AI-Scheduled"

_CUTS = (None, "headers", "body")
_EACH = ("path", "key")


@dataclass(frozen=True)
class Fault:
    """One way to go wrong, and for which calls. What is not set stays as it should be; several can be set at once."""

    path: str = "*"
    """The path, with ``*`` for any part of it."""
    method: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    """Members the JSON body must have: ``{"topic": "algebra"}``."""
    run: str | None = None
    """The run that calls (``X-Workflow-Instance``), with ``*`` for any part of it."""
    nth: tuple[int, ...] = (1,)
    """Which of the matching calls, from 1, counted from when the fault was set; empty for every one."""
    each: str = "path"
    """What ``nth`` counts by: each ``path``, or each idempotency ``key`` (1 = the first attempt of every call)."""

    status: int | None = None
    """Answer with this status; the request is not processed, unless ``processed``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers to add to the answer, as ``Retry-After``."""
    body: Any = None
    """The body to send with ``status``, as JSON."""
    processed: bool = False
    """Process the request before answering with ``status``."""
    stall: float = 0
    """Wait this many seconds, then go on."""
    hang: bool = False
    """Never answer."""
    cut: str | None = None
    """Process the request, then break the connection: before the ``headers`` or in the middle of the ``body``."""
    slow: float = 0
    """Send the body bit by bit over this many seconds."""
    garbage: str | None = None
    """Process the request, then send this text in place of the body, under the same headers."""
    lie: int = 0
    """Process the request, then announce this many bytes more (or fewer) than are sent."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """Return the fault that JSON data describes; ``nth`` is a number, a list, or null for every call.

        :raises ValueError: where a name is unknown or a value is none of those it may be.
        """
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ValueError(f"no such setting of a fault: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        nth = data.get("nth", 1)
        fault = cls(**{**data, "nth": (nth,) if isinstance(nth, int) else tuple(nth or ())})
        if fault.cut not in _CUTS or fault.each not in _EACH:
            raise ValueError(f"cut is one of {_CUTS}, each is one of {_EACH}")
        return fault

    def __str__(self) -> str:
        """Say it in words, for the ledger."""
        parts = {"status": self.status, "stall": self.stall, "hang": self.hang, "cut": self.cut,
                 "slow": self.slow, "garbage": self.garbage is not None, "lie": self.lie}  # fmt: skip
        return ", ".join(name if value is True else f"{name} {value}" for name, value in parts.items() if value)

    def matches(self, received: Received) -> bool:
        """Say whether it is about this request at all."""
        if self.method not in (None, received.method) or not fnmatchcase(received.path, self.path):
            return False
        if self.run is not None and not fnmatchcase(received.header(INSTANCE) or "", self.run):
            return False
        if not self.where:
            return True
        members = _members(received.body)
        return all(name in members and members[name] == value for name, value in self.where.items())

    def answer(self) -> Answer:
        """Return the answer with the fault's status."""
        status = self.status or 500
        body = {"error": {"code": f"fault_{status}", "message": "the stand-in was told to answer so"}}
        return json_answer(status, body if self.body is None else self.body, **self.headers)


class Faults:
    """Pick the fault a request meets: the first one set whose turn it is."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._counts: Counter[tuple[int, str]] = Counter()

    def add(self, fault: Fault) -> None:
        """Set one more fault; it counts calls from now on."""
        self._faults.append(fault)

    def pick(self, received: Received) -> Fault | None:
        """Count the request with every fault that it matches, and return the one it meets."""
        met = None
        for index, fault in enumerate(self._faults):
            if not fault.matches(received):
                continue
            group = (received.header(KEY) or "") if fault.each == "key" else received.path
            self._counts[(index, group)] += 1
            if met is None and (not fault.nth or self._counts[(index, group)] in fault.nth):
                met = fault
        return met


@dataclass(frozen=True)
class Limit:
    """How much a path takes; beyond it the answer is 429 with ``Retry-After``."""

    path: str = "*"
    """The path, with ``*`` for any part of it; each path that matches has the whole limit for itself."""
    max_open: int | None = None
    """How many calls may be open at once."""
    per_second: int | None = None
    """How many calls may arrive within one second; scheduled runs (``X-Gimme-AI-Scheduled: true``) are exempt."""
    retry_after: int = 1
    """The seconds a refused caller is asked to wait."""

    def refusal(self, what: str) -> Refusal:
        """Return the answer for a call beyond the limit."""
        return Refusal(429, "rate_limited", f"too many calls {what}", Retry_After=str(self.retry_after))


class Limits:
    """Refuse what is beyond the limits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limits: list[Limit] = []
        self._arrivals: dict[str, deque[float]] = {}

    def set(self, limit: Limit) -> None:
        """Set a limit; an earlier one for the same path is replaced."""
        self._limits = [known for known in self._limits if known.path != limit.path] + [limit]

    def check(self, received: Received, open_now: int) -> None:
        """Let a request pass; ``open_now`` counts it already.

        :raises Refusal: 429 where a limit is exceeded.
        """
        recent = self._recent(received.path)
        for limit in self._limits:
            if not fnmatchcase(received.path, limit.path):
                continue
            if limit.max_open is not None and open_now > limit.max_open:
                raise limit.refusal("at once")
            scheduled = received.header(SCHEDULED) == "true"
            if limit.per_second is not None and not scheduled and len(recent) >= limit.per_second:
                raise limit.refusal("in one second")
        recent.append(self._clock())

    def _recent(self, path: str) -> deque[float]:
        arrivals = self._arrivals.setdefault(path, deque())
        while arrivals and arrivals[0] <= self._clock() - 1:
            arrivals.popleft()
        return arrivals


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
