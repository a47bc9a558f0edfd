"""Write a file of the storage: whole or not at all, in blocks, in threads."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import uuid4

from airflow_provider_gimme.http.sink import SinkError
from airflow_provider_gimme.plan.saved import make_saved

__all__ = ["LocalFile", "ObjectFile", "Writer"]

_BLOCK_BYTES = 1024 * 1024


class _File(Protocol):
    """One file that is written; all of it blocks, and may raise ``OSError``."""

    def write(self, block: bytes) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...


class LocalFile:
    """Write a local file under a temporary name beside its own, and rename it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part: Path | None = None
        self._opened: BinaryIO | None = None

    def write(self, block: bytes) -> None:
        """Append a block."""
        self._open().write(block)

    def commit(self) -> None:
        """Put the file in its place, also where it is empty."""
        opened = self._open()
        opened.flush()
        os.fsync(opened.fileno())
        opened.close()
        part, self._opened, self._part = self._part, None, None
        try:
            Path(str(part)).replace(self._path)
        except OSError:
            Path(str(part)).unlink(missing_ok=True)
            raise

    def abort(self) -> None:
        """Remove what was written."""
        if self._opened is not None and self._part is not None:
            with suppress(OSError):
                self._opened.close()
            self._part.unlink(missing_ok=True)
        self._opened = self._part = None

    def _open(self) -> BinaryIO:
        if self._opened is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._part = self._path.with_name(f".{uuid4().hex}.part")
            self._opened = self._part.open("xb")
        return self._opened


class ObjectFile:
    """Write an object of an object store, which makes it be there when it is committed.

    ``fs`` is an fsspec file system.
    """

    def __init__(self, fs: Any, path: str, block_bytes: int) -> None:
        self._fs = fs
        self._path = path
        self._block_bytes = block_bytes
        self._opened: Any = None

    def write(self, block: bytes) -> None:
        """Append a block."""
        self._open().write(block)

    def commit(self) -> None:
        """Make the object be there."""
        opened = self._open()
        opened.close()
        opened.commit()
        self._opened = None

    def abort(self) -> None:
        """Have the store forget what it got."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.discard()
            # closing would write what is left
            opened.closed = True

    def _open(self) -> Any:
        if self._opened is None:
            self._opened = self._fs.open(self._path, "wb", block_size=self._block_bytes, autocommit=False)
        return self._opened


class Writer:
    """Take a body piece by piece (a ``Sink``), write it in blocks of about 1 MB, and refer to it."""

    def __init__(self, file: _File, path: str) -> None:
        """Write ``file``; ``path`` is what the reference says."""
        self._file = file
        self._path = path
        self._begin()
        self._done: tuple[int, str] | None = None

    async def write(self, chunk: bytes) -> None:
        """Take the next piece.

        :raises SinkError: where it cannot be written.
        """
        self._waiting += chunk
        if len(self._waiting) >= _BLOCK_BYTES:
            await self._flush()

    async def commit(self) -> None:
        """Put the whole file in its place.

        :raises SinkError: where it cannot be written.
        """
        await self._flush()
        await self._do(self._file.commit)
        self._done = (self._size, self._hash.hexdigest())
        self._begin()

    async def abort(self) -> None:
        """Remove what was written."""
        self._begin()
        await self._do(self._file.abort)

    def reference(self, media_type: str = "", items: int | None = None) -> dict[str, Any]:
        """Return the reference to the file that was committed last."""
        if self._done is None:
            raise RuntimeError("a file is committed before it is referred to")
        return make_saved(self._path, *self._done, media_type=media_type, items=items)

    def _begin(self) -> None:
        self._waiting, self._size, self._hash = bytearray(), 0, hashlib.sha256()

    async def _flush(self) -> None:
        block, self._waiting = bytes(self._waiting), bytearray()
        await self._do(self._write, block)

    def _write(self, block: bytes) -> None:
        self._size += len(block)
        self._hash.update(block)
        self._file.write(block)

    async def _do(self, act: Any, *arguments: Any) -> None:
        # shielded, so that a cancelled call does not take the file away from a thread that is at work on it
        work = asyncio.ensure_future(asyncio.to_thread(act, *arguments))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            with suppress(OSError):
                await work
            raise
        except OSError as error:
            raise SinkError(error.strerror or type(error).__name__) from None
