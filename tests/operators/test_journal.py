"""A journal in a task's state: what was flushed is there after a crash, whatever its size."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_gimme.operators import journal as module
from airflow_provider_gimme.operators.journal import CHUNK_CHARACTERS, Codec, Journal, kept
from tests.operators.test_attempts import MemoryStore

TICK = timedelta(milliseconds=5)


class Store(MemoryStore):
    """A store that refuses what Airflow's would warn of, and that can break off after some writes."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self.writes = 0
        self.threads: set[int] = set()

    def set(self, key: str, value: Any) -> None:
        assert len(json.dumps(value)) <= CHUNK_CHARACTERS
        if self.left is not None:
            if self.left == 0:
                raise ConnectionError("the process died")
            self.left -= 1
        self.writes += 1
        self.threads.add(threading.get_ident())
        super().set(key, value)


class MemoryParts:
    """A storage of numbered parts."""

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}

    def write(self, number: int, content: bytes) -> None:
        self.parts[number] = content

    def read(self, number: int) -> bytes:
        return self.parts[number]

    def delete(self, number: int) -> None:
        self.parts.pop(number, None)


@pytest.fixture
def store() -> Store:
    return Store()


def filled(journal: Journal, *records: Any) -> Journal:
    for record in records:
        journal.append(record)
    journal.flush()
    return journal


def test_a_new_journal_is_empty_and_writes_nothing(store: Store) -> None:
    """Opening a journal, or flushing one with nothing new, costs no write."""
    journal = Journal(store, "pages", 3)
    journal.flush()
    assert (list(journal.records()), len(journal), store.values) == ([], 0, {})


def test_records_are_there_in_another_process(store: Store) -> None:
    """What was flushed is read back in order; what was not is gone with the process."""
    journal = filled(Journal(store, "pages", 3), {"a": 1}, [2], 'ü\n"\\')
    journal.append("never flushed")
    assert len(journal) == 4
    assert list(journal.records())[-1] == "never flushed"
    again = Journal(store, "pages", 3)
    assert (list(again.records()), len(again)) == ([{"a": 1}, [2], 'ü\n"\\'], 3)
    assert again.size == len('{"a":1}\n[2]\n') + len(json.dumps('ü\n"\\')) + 1
    assert journal.size == again.size + len('"never flushed"\n')
    filled(again, "more")
    assert list(Journal(store, "pages", 3).records()) == [{"a": 1}, [2], 'ü\n"\\', "more"]


def test_a_record_is_what_it_was_when_it_was_appended(store: Store) -> None:
    """What becomes of the data afterwards does not change the journal."""
    journal, record = Journal(store, "pages", 3), {"items": [1]}
    journal.append(record)
    record["items"].append(2)
    assert list(filled(journal).records()) == [{"items": [1]}]


def test_another_series_begins_anew(store: Store) -> None:
    """After somebody cleared the task nothing of before counts, and what is left of it does no harm."""
    filled(Journal(store, "pages", 3), *("x" * 50_000 for _ in range(5)))
    cleared = Journal(store, "pages", 7)
    assert (list(cleared.records()), len(cleared)) == ([], 0)
    filled(cleared, "new")
    assert list(Journal(store, "pages", 7).records()) == ["new"]
    assert list(Journal(store, "pages", 3).records()) == []


def test_two_journals_of_a_task_do_not_meet(store: Store) -> None:
    """A name is a journal of its own."""
    filled(Journal(store, "pages", 3), 1)
    assert list(filled(Journal(store, "items", 3), 2).records()) == [2]
    assert list(Journal(store, "pages", 3).records()) == [1]


@given(
    st.lists(st.lists(st.integers(0, 130_000), max_size=4), max_size=6), st.sampled_from(['"', "x", "\\", "é", "\n"])
)
def test_records_of_any_size_are_cut_into_chunks(flushes: list[list[int]], character: str) -> None:
    """A record may be larger than a value of the store, which never gets one that is too large."""
    store, written = Store(), []
    journal = Journal(store, "pages", 3)
    for number, sizes in enumerate(flushes):
        records = [character * (size // 5) + str(number) for size in sizes]
        written += records
        filled(journal, *records)
        assert list(Journal(store, "pages", 3).records()) == written
    assert list(journal.records()) == written


@settings(max_examples=40)
@given(st.lists(st.integers(0, 90_000), max_size=4), st.lists(st.integers(0, 90_000), max_size=4), st.integers(0, 9))
def test_a_crash_amid_a_flush_loses_that_flush_alone(before: list[int], amid: list[int], writes: int) -> None:
    """Wherever the process dies, the next one reads all of the flush or nothing of it, and can go on."""
    store, parts = Store(), MemoryParts()
    earlier, later = ["a" * size for size in before], ["b" * size for size in amid]
    journal = filled(Journal(store, "pages", 3, parts=parts), *earlier)
    store.left = writes
    try:
        filled(journal, *later)
        expected = earlier + later
    except ConnectionError:
        expected = earlier
    store.left = None
    again = Journal(store, "pages", 3, parts=parts)
    assert list(again.records()) == expected
    filled(again, "c" * 70_000)
    assert list(Journal(store, "pages", 3, parts=parts).records()) == [*expected, "c" * 70_000]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the limits small, so that a test need not write megabytes."""
    monkeypatch.setattr(module, "STATE_CHARACTERS", 1000)
    monkeypatch.setattr(module, "_PART_CHARACTERS", 300)


@pytest.mark.usefixtures("small")
def test_a_large_journal_goes_on_in_the_storage(store: Store) -> None:
    """Beyond the limit the store holds no more than the latest records and the number of parts."""
    parts, records = MemoryParts(), [f"{number:0100d}" for number in range(30)]
    journal = Journal(store, "pages", 3, parts=parts)
    for record in records:
        filled(journal, record)
    assert journal.has_parts
    assert [len(parts.parts[number]) for number in sorted(parts.parts)] == [1030, 309, 309, 309, 309, 309, 309]
    assert sum(len(str(value)) for value in store.values.values()) < 1500
    again = Journal(store, "pages", 3, parts=parts)
    assert (list(again.records()), len(again), again.size) == (records, 30, 30 * 103)
    assert list(filled(again, "x").records()) == [*records, "x"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_crash_amid_a_part_loses_nothing(store: Store, writes: int) -> None:
    """A part that the head does not know yet is written again by the next process."""
    parts = MemoryParts()
    journal = filled(Journal(store, "pages", 3, parts=parts), *(["a" * 90] * 10))
    store.left = writes
    later = "b" * 200
    try:
        filled(journal, later)
        expected = ["a" * 90] * 10 + [later]
    except ConnectionError:
        expected = ["a" * 90] * 10
    store.left = None
    again = filled(Journal(store, "pages", 3, parts=parts), "c" * 150)
    assert list(again.records()) == [*expected, "c" * 150]
    assert list(Journal(store, "pages", 3, parts=parts).records()) == [*expected, "c" * 150]


@pytest.mark.usefixtures("small")
def test_what_is_discarded_is_gone(store: Store) -> None:
    """A journal that is needed no more leaves nothing in the storage, and is empty for whoever opens it."""
    parts = MemoryParts()
    filled(Journal(store, "pages", 3, parts=parts), *(["a" * 500] * 3)).discard()
    assert parts.parts == {}
    assert list(Journal(store, "pages", 3, parts=parts).records()) == []


@pytest.mark.usefixtures("small")
def test_without_a_storage_all_is_kept_in_the_store(store: Store) -> None:
    """Where there is no storage a journal is never cut off."""
    for _ in range(6):
        filled(Journal(store, "pages", 3), "x" * 500)
    assert list(Journal(store, "pages", 3).records()) == ["x" * 500] * 6


def test_an_error_of_the_store_is_made_good(store: Store) -> None:
    """What could not be written is written with the next flush, before what came later."""
    journal = Journal(store, "pages", 3)
    journal.append(1)
    store.left = 0
    with pytest.raises(ConnectionError):
        journal.flush()
    store.left = None
    assert list(filled(journal, 2).records()) == [1, 2]
    assert list(Journal(store, "pages", 3).records()) == [1, 2]


def test_a_sealed_journal_shows_nothing(store: Store) -> None:
    """With a codec that hides, no value of the store holds what was recorded."""
    sealed = Codec(lambda record: json.dumps(record)[::-1], lambda line: json.loads(line[::-1]))
    filled(Journal(store, "pages", 3, codec=sealed), {"token": "hunter2"})
    assert "hunter2" not in json.dumps(store.values)
    assert list(Journal(store, "pages", 3, codec=sealed).records()) == [{"token": "hunter2"}]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(0.002)


async def test_it_is_flushed_while_work_goes_on_and_at_the_end(store: Store) -> None:
    """Records reach the store from a thread of their own, without waiting for the end, and the last ones at it."""
    async with kept(Journal(store, "pages", 3), TICK) as journal:
        journal.append(1)
        await until(lambda: list(Journal(store, "pages", 3).records()) == [1])
        assert threading.get_ident() not in store.threads
        journal.append(2)
    assert list(Journal(store, "pages", 3).records()) == [1, 2]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_it_is_flushed_however_the_work_ends(store: Store, error: type[BaseException]) -> None:
    """A failure, and being stopped, do not lose what was done before."""

    async def work() -> None:
        async with kept(Journal(store, "pages", 3)) as journal:
            journal.append(1)
            raise error

    with pytest.raises(error):
        await work()
    assert list(Journal(store, "pages", 3).records()) == [1]


async def test_a_store_that_fails_for_a_moment_stops_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A checkpoint that cannot be written is tried again and told; the work goes on."""
    caplog.set_level(logging.WARNING)
    async with kept(Journal(store, "pages", 3), TICK) as journal:
        store.left = 0
        journal.append(1)
        await until(lambda: "ConnectionError" in caplog.text)
        store.left = None
    assert list(Journal(store, "pages", 3).records()) == [1]


def test_threads_may_append_while_it_is_flushed(store: Store) -> None:
    """No record is lost or doubled between those who append and the one who flushes."""
    journal = Journal(store, "items", 3)

    def add() -> None:
        for number in range(500):
            journal.append(number)

    adders = [threading.Thread(target=add) for _ in range(4)]
    for adder in adders:
        adder.start()
    while any(adder.is_alive() for adder in adders):
        journal.flush()
    journal.flush()
    assert sorted(Journal(store, "items", 3).records()) == sorted([*range(500)] * 4)
