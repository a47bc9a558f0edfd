"""What is too large for Airflow's database: lists of items as files of the storage, and the parts of a journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.http.sink import SinkError

if TYPE_CHECKING:
    from airflow_provider_gimme.hooks.storage import Storage
    from airflow_provider_gimme.hooks.writing import Writer
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["LARGE_CHARACTERS", "StoredParts", "own_path", "save_items", "save_lines"]

LARGE_CHARACTERS = 5_000_000
"""A list that is longer as JSON is kept in the storage, and the output is a reference to it."""

_LONGEST_NAME_BYTES = 150


def own_path(run: TaskRun, name: str, series: int | None = None) -> str:
    """Return the path of a task's own file in its Dag's storage: another one after a clear.

    ``series`` is the ``max_tries`` of the series that the file belongs to, where that is not the latest.
    """
    tries = run.max_tries if series is None else series
    return f"{_segment(run.run_id)}/{_segment(run.task_id)}/{tries}-{name}"


async def save_items(storage: Storage, path: str, items: Iterable[Any]) -> dict[str, Any]:
    """Write items as JSON lines and return the reference to them; ``items`` is read as it is written.

    :raises StepError: where the file cannot be written; then there is none.
    """
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return await save_lines(storage, path, map(encode, items))


async def save_lines(storage: Storage, path: str, lines: Iterable[str]) -> dict[str, Any]:
    """Write lines of JSON, one for each item, as :func:`save_items` does.

    :raises StepError: where the file cannot be written; then there is none.
    """
    writer = storage.writer(path)
    try:
        return await _save(writer, lines)
    except SinkError as error:
        problem = StepError(f"the items cannot be saved as '{path}' in [gimme] storage: {error}")
    raise problem


async def _save(writer: Writer, lines: Iterable[str]) -> dict[str, Any]:
    count = 0
    try:
        for line in lines:
            await writer.write(f"{line}\n".encode())
            count += 1
        await writer.commit()
    except BaseException:
        await writer.abort()
        raise
    return writer.reference("application/x-ndjson", count)


class StoredParts:
    """The parts of a task's journal in its Dag's storage; see ``journal.Parts``. To be used from threads."""

    def __init__(self, storage: Storage, run: TaskRun, name: str, series: int | None = None) -> None:
        """Keep the parts of the journal ``name`` of a task, of its latest series or another one."""
        self._storage, self._run, self._name, self._series = storage, run, name, series

    def write(self, number: int, content: bytes) -> None:
        """Write a part, in place of one of the same number."""
        asyncio.run(self._write(self._path(number), content))

    def read(self, number: int) -> bytes:
        """Return a part."""
        with self._storage.open({"type": "saved", "path": f"{self._storage.folder}/{self._path(number)}"}) as opened:
            return opened.read()

    def delete(self, number: int) -> None:
        """Remove a part, if it is there."""
        self._storage.delete(self._path(number))

    async def _write(self, path: str, content: bytes) -> None:
        writer = self._storage.writer(path)
        await writer.write(content)
        await writer.commit()

    def _path(self, number: int) -> str:
        return own_path(self._run, f"{self._name}.{number}.jsonl", self._series)


def _segment(name: str) -> str:
    """Return a name as a part of a path; a long one is cut, with a hash of it at its end."""
    plain = name.replace("/", "%2F").replace("\\", "%5C")
    plain = plain.replace(".", "%2E") if plain in {".", ".."} else plain
    if len(plain.encode()) <= _LONGEST_NAME_BYTES:
        return plain
    return f"{plain[:100].encode()[:100].decode(errors='ignore')}-{sha256(name.encode()).hexdigest()[:16]}"
