"""The checkpoint of a task that makes many calls: a journal of records that outlives the process.

It is kept in the task's state, in numbered chunks under ``NAME.N``, and its head under ``NAME``: Airflow's store has no
listing, and warns of values above 64 kB. A large journal goes on in the site's storage, in parts that the head counts.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import chain
from threading import Lock
from typing import Any, Protocol

from airflow_provider_gimme.operators.attempts import StateStore

__all__ = ["CHUNK_CHARACTERS", "PLAIN", "STATE_CHARACTERS", "Codec", "Journal", "Parts", "kept"]

CHUNK_CHARACTERS = 60_000
"""The largest value that is written into the store, as JSON."""

STATE_CHARACTERS = 5_000_000
"""How much of a journal is kept in the store; more goes to the storage."""

_PART_CHARACTERS = 1_000_000
"""How much waits in the store for the next part, once there are parts."""

_FLUSH_EVERY = timedelta(seconds=1)
_LOG = logging.getLogger(__name__)


class Parts(Protocol):
    """Where a large journal goes on: numbered pieces of bytes in the site's storage."""

    def write(self, number: int, content: bytes) -> None:
        """Write a part, in place of one of the same number."""
        ...

    def read(self, number: int) -> bytes:
        """Return a part."""
        ...

    def delete(self, number: int) -> None:
        """Remove a part, if it is there."""
        ...


@dataclass(frozen=True)
class Codec:
    """How a record becomes one line of ASCII, and a record again."""

    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


PLAIN = Codec(json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode, json.loads)
"""Records as JSON, readable by whoever may read the task's state."""


@dataclass(frozen=True)
class _Head:
    """How much of a journal there is; what the chunks hold beyond it was not finished."""

    series: int
    parts: int = 0
    chunks: int = 0
    """How many chunks are full: one more holds the rest."""
    full: int = 0
    """How many characters the full chunks hold."""
    length: int = 0
    """How many characters all chunks hold, those of the last one included."""
    records: int = 0
    size: int = 0
    """How many characters all records have, those in parts included."""

    @classmethod
    def of(cls, found: Any, series: int) -> _Head:
        if not isinstance(found, Mapping) or found.get("series") != series:
            return cls(series)
        return cls(**{name: int(found[name]) for name in asdict(cls(series))})


class Journal:
    """Append-only records, as JSON, of one series of a task: until somebody clears it.

    :meth:`append` may be called from anywhere and is quick; :meth:`flush` takes time and is for a thread of its own;
    :func:`kept` does it while other work goes on. What was flushed is there after a crash, in the order of the
    appends; the records themselves say what they are about.
    """

    def __init__(
        self, store: StateStore, name: str, series: int, *, parts: Parts | None = None, codec: Codec = PLAIN
    ) -> None:
        """Open the journal of a task under a name, and read how far it goes.

        ``series`` is Airflow's ``max_tries``; the records of another series are as if they were not there. Without
        ``parts`` all of it is kept in the store.
        """
        self._store, self._name, self._parts, self._codec = store, name, parts, codec
        self._head = _Head.of(store.get(name), series)
        rest = self._head.length - self._head.full
        self._tail = self._read_chunk(self._head.chunks)[:rest] if rest else ""
        self._pending: list[str] = []
        self._waiting = 0
        self._appending, self._flushing = Lock(), Lock()

    def __len__(self) -> int:
        """Return how many records there are, those that wait for a flush included."""
        with self._appending:
            return self._head.records + len(self._pending)

    @property
    def size(self) -> int:
        """How many characters all records have as JSON, those that wait for a flush included."""
        with self._appending:
            return self._head.size + self._waiting

    @property
    def waiting(self) -> int:
        """How many characters wait for a flush: whoever appends faster than is written flushes now and then itself."""
        with self._appending:
            return self._waiting

    @property
    def has_parts(self) -> bool:
        """Whether some of it is in the storage."""
        return self._head.parts > 0

    def append(self, record: Any) -> None:
        """Add a record, which is kept with the next flush; what becomes of it afterwards does not matter."""
        line = f"{self._codec.encode(record)}\n"
        with self._appending:
            self._pending.append(line)
            self._waiting += len(line)

    def records(self) -> Iterator[Any]:
        """Read all records, first to last, a chunk or a part at a time; nothing may be flushed meanwhile."""
        with self._flushing, self._appending:
            head, rest = self._head, [self._tail, *self._pending]
        for line in _lines(chain(self._stored(head), rest)):
            yield self._codec.decode(line)

    def flush(self) -> None:
        """Write what was appended since the last flush; an error leaves it for the next one."""
        with self._flushing:
            with self._appending:
                pending = list(self._pending)
            if not pending:
                return
            self._write("".join(pending), len(pending))

    def discard(self) -> None:
        """Forget all records and remove what is in the storage: they are needed no more."""
        with self._flushing:
            parts = self._head.parts
            self._keep(_Head(self._head.series), "")
            for number in range(parts):
                self._storage.delete(number)

    def _write(self, text: str, records: int) -> None:
        head = replace(self._head, records=self._head.records + records, size=self._head.size + len(text))
        room = _PART_CHARACTERS if head.parts else STATE_CHARACTERS
        if self._parts is not None and head.length + len(text) > room:
            self._write_part(head, text, records)
            return
        tail = self._tail + text
        while not _fits(tail, len(tail)):
            cut = _longest_fit(tail)
            self._store.set(_chunk(self._name, head.chunks), tail[:cut])
            head = replace(head, chunks=head.chunks + 1, full=head.full + cut)
            tail = tail[cut:]
        self._store.set(_chunk(self._name, head.chunks), tail)
        self._keep(replace(head, length=head.full + len(tail)), tail, records)

    def _write_part(self, head: _Head, text: str, records: int) -> None:
        """Move what is in the store to the storage, and the new text with it; the chunks are used again."""
        earlier = [self._read_chunk(number) for number in range(head.chunks)]
        self._storage.write(head.parts, "".join((*earlier, self._tail, text)).encode())
        self._keep(replace(head, parts=head.parts + 1, chunks=0, full=0, length=0), "", records)

    def _keep(self, head: _Head, tail: str, records: int = 0) -> None:
        """Write the head, which makes the records count that were written before it; they wait no more."""
        self._store.set(self._name, asdict(head))
        with self._appending:
            self._head, self._tail = head, tail
            self._waiting -= sum(map(len, self._pending[:records]))
            del self._pending[:records]

    def _stored(self, head: _Head) -> Iterator[str]:
        """Read each part and each full chunk, when it is asked for."""
        for number in range(head.parts):
            yield self._storage.read(number).decode()
        for number in range(head.chunks):
            yield self._read_chunk(number)

    def _read_chunk(self, number: int) -> str:
        return str(self._store.get(_chunk(self._name, number)) or "")

    @property
    def _storage(self) -> Parts:
        if self._parts is None:
            raise RuntimeError("a journal with parts needs the storage that they are in")
        return self._parts


@asynccontextmanager
async def kept(journal: Journal, every: timedelta = _FLUSH_EVERY) -> AsyncIterator[Journal]:
    """Flush a journal every second, from a thread, while the block runs, and at its end, however it ends."""
    keeper = asyncio.create_task(_keep(journal, every))
    try:
        yield journal
    finally:
        keeper.cancel()
        await asyncio.to_thread(journal.flush)


async def _keep(journal: Journal, every: timedelta) -> None:
    while True:
        await asyncio.sleep(every.total_seconds())
        (failure,) = await asyncio.gather(asyncio.to_thread(journal.flush), return_exceptions=True)
        if failure is not None:  # the last flush raises what is still wrong then
            _LOG.warning("The checkpoint could not be written (%s); it is tried again.", type(failure).__name__)


def _chunk(name: str, number: int) -> str:
    return f"{name}.{number}"


def _fits(text: str, length: int) -> bool:
    """Say whether the first characters of an ASCII text are a value of the store, as JSON."""
    if length > CHUNK_CHARACTERS:
        return False
    escaped = sum(text.count(mark, 0, length) for mark in '"\\\n')
    return length + escaped + 2 <= CHUNK_CHARACTERS


def _longest_fit(text: str) -> int:
    """Return how many characters fit: the most, so that a chunk is only ever written anew with more."""
    low, high = 0, CHUNK_CHARACTERS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(text, middle) else (low, middle - 1)
    return low


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Cut texts that follow one another into lines."""
    rest = ""
    for text in texts:
        *lines, rest = (rest + text).split("\n")
        yield from lines
