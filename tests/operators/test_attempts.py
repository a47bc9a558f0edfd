"""Attempts are counted in a store that outlives the process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_gimme.operators.attempts import AttemptRecord, Attempts


class MemoryStore:
    """A store as Airflow's: JSON values by key."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.values[key] = value


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_a_new_call_has_no_attempts(store: MemoryStore) -> None:
    """Before the first attempt nothing is counted, and nothing is written."""
    attempts = Attempts.load(store, 6)
    assert (attempts.number, attempts.failed, attempts.crashed, store.values) == (0, 0, False, {})


def test_attempts_are_numbered_over_processes(store: MemoryStore) -> None:
    """Each process goes on where the one before it stopped."""
    for expected in (1, 2, 3):
        attempts = Attempts.load(store, 6).begin()
        assert attempts.number == expected
        attempts.end(AttemptRecord(503, 12, 5, "status 503", 5.0), failed=True)
    assert Attempts.load(store, 6).failed == 3
    assert [store.values[f"attempt.{number}"]["attempt"] for number in (1, 2, 3)] == [1, 2, 3]


def test_a_record_tells_what_happened(store: MemoryStore) -> None:
    """Status, time, size, reason and wait of an attempt are kept under its number."""
    Attempts.load(store, 6).begin().end(AttemptRecord(429, 31, 17, "status 429", 2.5), failed=True)
    assert store.values["attempt.1"] == {
        "attempt": 1,
        "status": 429,
        "ms": 31,
        "bytes": 17,
        "reason": "status 429",
        "wait_seconds": 2.5,
    }


def test_a_crash_is_an_attempt_that_used_no_retry(store: MemoryStore) -> None:
    """An attempt without a record is one in which the process died: counted, told, and no failure of the call."""
    Attempts.load(store, 6).begin()
    after = Attempts.load(store, 6)
    assert (after.crashed, after.number, after.failed) == (True, 1, 0)
    assert "died" in store.values["attempt.1"]["reason"]
    assert after.begin().number == 2


def test_a_crash_is_told_once(store: MemoryStore) -> None:
    """The next process but one does not take a finished attempt for a crash."""
    Attempts.load(store, 6).begin()
    Attempts.load(store, 6).begin().end(AttemptRecord(200), failed=False)
    assert Attempts.load(store, 6).crashed is False


def test_a_clear_begins_a_new_series(store: MemoryStore) -> None:
    """Another `max_tries` means that somebody cleared the task: numbers begin anew, old records stay."""
    Attempts.load(store, 6).begin().end(AttemptRecord(500), failed=True)
    cleared = Attempts.load(store, 13)
    assert (cleared.number, cleared.failed) == (0, 0)
    begun = cleared.begin()
    begun.end(AttemptRecord(200), failed=False)
    assert begun.number == 1
    assert (store.values["attempt.1"]["status"], store.values["attempt.2"]["status"]) == (500, 200)
    assert Attempts.load(store, 13).number == 1


def test_a_crash_before_a_clear_is_not_one_after_it(store: MemoryStore) -> None:
    """Who clears a task has looked at it; the new series does not begin with a crash."""
    Attempts.load(store, 6).begin()
    assert Attempts.load(store, 13).crashed is False


def test_time_runs_from_the_first_attempt(store: MemoryStore) -> None:
    """`max_duration` counts from the first attempt of the series, over processes."""
    clock = Clock()
    Attempts.load(store, 6, clock).begin().end(AttemptRecord(503), failed=True)
    clock.time += timedelta(minutes=7)
    assert Attempts.load(store, 6, clock).begin().elapsed == timedelta(minutes=7)
