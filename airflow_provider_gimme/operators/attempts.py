"""The attempts of a call, counted so that no crash can lose one: in the task's state, which outlives the task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

__all__ = ["DONE", "AttemptRecord", "Attempts", "StateStore"]

DONE = "done"
"""The reason in the record of an attempt that was answered well."""

_HEAD = "attempts"


class StateStore(Protocol):
    """Airflow's ``task_state_store``: JSON values by key, kept over retries, crashes and clears."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or ``default``."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        ...


@dataclass(frozen=True)
class AttemptRecord:
    """What is kept of one attempt, under ``attempt.N``."""

    status: int | None = None
    """The answer's HTTP status, where there was one."""
    ms: int = 0
    """How long it took, in milliseconds."""
    bytes: int = 0
    """How many bytes of the body came."""
    reason: str = ""
    """Why it ended so, and what comes next."""
    wait_seconds: float | None = None
    """How long the next attempt waits; None where there is none."""
    entry: int = 0
    """Whose attempt it was: 0 is the step's own call, n its n-th fallback."""

    def to_json(self, number: int) -> dict[str, Any]:
        """Return the record as JSON types."""
        return {
            "attempt": number,
            "status": self.status,
            "ms": self.ms,
            "bytes": self.bytes,
            "reason": self.reason,
            "wait_seconds": self.wait_seconds,
        } | ({"entry": self.entry} if self.entry else {})


@dataclass(frozen=True)
class Attempts:
    """The attempts of one call in one series: until somebody clears the task, which starts a new one.

    A step's own call and each of its fallbacks is an entry, with attempts of its own; ``entry`` is the one in turn.

    The head (``attempts``) is written before an attempt, its record after it; so an attempt without a record is one in
    which the process died.
    """

    store: StateStore
    max_tries: int
    """Airflow's ``max_tries``: stays over retries and crashes, changes with a clear."""
    first: int = 1
    """The number of the entry's first attempt."""
    last: int = 0
    """The number of the latest attempt; below ``first`` where there is none yet."""
    failed: int = 0
    """How many attempts of the entry ended with an error of the call."""
    started: datetime | None = None
    """When the entry's first attempt began."""
    crashed: bool = False
    """Whether the process died in the latest attempt."""
    entry: int = 0
    """Whose turn it is: 0 is the step's own call, n its n-th fallback."""
    before: int = 0
    """How many attempts the entries before made."""
    errors: tuple[str, ...] = ()
    """Why the entries before have failed for good, a line each."""
    reached: bool = False
    """Whether the server may have done what one of the attempts asked for, by any entry."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def load(
        cls, store: StateStore, max_tries: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> Attempts:
        """Return what is known of the call's attempts; where one has no record, it gets that of a crash."""
        head: Mapping[str, Any] = store.get(_HEAD) or {}
        last = int(head.get("last", 0))
        latest = store.get(_key(last)) if last else None
        crashed = last > 0 and latest is None
        if crashed:
            record = AttemptRecord(reason="the process died during this attempt", entry=int(head.get("entry", 0)))
            store.set(_key(last), record.to_json(last - int(head["first"]) + 1))
        if head.get("max_tries") != max_tries:
            return cls(store, max_tries, first=last + 1, last=last, now=now)
        begun = cls(store, max_tries, int(head["first"]), last, int(head["failed"]), crashed=crashed, now=now)
        return replace(
            begun,
            started=None if head["started"] is None else datetime.fromisoformat(head["started"]),
            entry=int(head.get("entry", 0)),
            before=int(head.get("before", 0)),
            errors=tuple(head.get("errors", ())),
            reached=bool(head.get("reached")) or crashed or (latest or {}).get("reason") == DONE,
        )

    @property
    def number(self) -> int:
        """The number of the entry's latest attempt, from 1; 0 where there is none yet."""
        return self.last - self.first + 1

    @property
    def made(self) -> int:
        """How many attempts were made in the series, by all entries."""
        return self.before + self.number

    @property
    def elapsed(self) -> timedelta:
        """The time since the entry's first attempt began."""
        return self.now() - (self.started or self.now())

    def begin(self) -> Attempts:
        """Write that an attempt begins, and return the attempts with it."""
        begun = replace(self, last=self.last + 1, started=self.started or self.now(), crashed=False)
        self.store.set(_HEAD, begun.head())
        return begun

    def end(self, record: AttemptRecord, *, failed: bool, reached: bool = True) -> Attempts:
        """Write how the latest attempt ended, and whether it may have been done, and return the attempts with it."""
        ended = replace(self, failed=self.failed + failed, reached=self.reached or reached)
        self.store.set(_key(self.last), replace(record, entry=self.entry).to_json(self.number))
        if failed:
            self.store.set(_HEAD, ended.head())
        return ended

    def next_entry(self, error: str) -> Attempts:
        """Write that the entry in turn has failed for good, and why, and return the attempts of the next one."""
        if self.last >= self.first and self.store.get(_key(self.last)) is None:
            self.store.set(_key(self.last), AttemptRecord(reason=error, entry=self.entry).to_json(self.number))
        ended = replace(
            self,
            first=self.last + 1,
            failed=0,
            started=None,
            crashed=False,
            entry=self.entry + 1,
            before=self.made,
            errors=(*self.errors, error),
        )
        self.store.set(_HEAD, ended.head())
        return ended

    def head(self) -> dict[str, Any]:
        """Return what is kept of the series as a whole, as JSON types."""
        told = {} if not self.entry else {"entry": self.entry, "before": self.before, "errors": list(self.errors)}
        told |= {"reached": True} if self.reached else {}
        return told | {
            "max_tries": self.max_tries,
            "first": self.first,
            "last": self.last,
            "failed": self.failed,
            "started": None if self.started is None else self.started.isoformat(),
        }


def _key(number: int) -> str:
    return f"attempt.{number}"
