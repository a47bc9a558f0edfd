"""The outputs of a fan-out's items, in the items' order, however they come; many are kept in a file, not in memory."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO

__all__ = ["Outputs"]

_NONE = -1
"""Stands for a unit without an output."""


class Outputs:
    """The outputs of units, each as its line of JSON.

    They are kept as they come (:meth:`keep`) and get their place in the list as soon as it is known (:meth:`place`).
    Beyond ``limit`` characters in all they are in a temporary file of this process, which goes with it.
    """

    def __init__(self, limit: int) -> None:
        """Keep up to ``limit`` characters in memory."""
        self.size = 0
        """How many characters they have."""
        self._limit = limit
        self._lines: list[str] = []
        self._file: IO[bytes] | None = None
        self._ends = array("q")
        self._placed, self._counts = array("q"), array("q")

    @property
    def are_many(self) -> bool:
        """Whether they are more than the limit."""
        return self.size > self._limit

    def keep(self, line: str) -> int:
        """Keep an output, and return what it is placed by."""
        self.size += len(line)
        if self._file is None and self.are_many:
            self._file = TemporaryFile()  # noqa: SIM115 - it is closed by close()
            for kept in self._lines:
                self._write(kept)
            self._lines.clear()
        if self._file is None:
            self._lines.append(line)
            return len(self._lines) - 1
        self._write(line)
        return len(self._ends) - 1

    def place(self, number: int, count: int, kept: int = _NONE) -> None:
        """Say which output the unit ``number`` of ``count`` items has; without ``kept`` it has none yet, or never."""
        while len(self._placed) <= number:
            self._placed.append(_NONE)
            self._counts.append(1)
        self._placed[number], self._counts[number] = kept, count

    def lines(self, *, batches: bool) -> Iterator[str]:
        """Yield the output of each item as a line of JSON, null where it has none.

        With ``batches`` the output of a unit is a list of its items' outputs.
        """
        for number, kept in enumerate(self._placed):
            if kept == _NONE:
                yield from ["null"] * self._counts[number]
            elif batches:
                yield from map(json.dumps, json.loads(self._read(kept)))
            else:
                yield self._read(kept)

    def close(self) -> None:
        """Forget them."""
        if self._file is not None:
            self._file.close()

    def _write(self, line: str) -> None:
        if self._file is None:
            raise RuntimeError("there is a file as soon as something is written")
        encoded = line.encode()
        self._file.seek(0, 2)
        self._file.write(encoded)
        self._ends.append((self._ends[-1] if self._ends else 0) + len(encoded))

    def _read(self, kept: int) -> str:
        if self._file is None:
            return self._lines[kept]
        begin = self._ends[kept - 1] if kept else 0
        self._file.seek(begin)
        return self._file.read(self._ends[kept] - begin).decode()
