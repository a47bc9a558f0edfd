"""A long list that is kept in a file: to expressions a list, of which no more than what is used is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, overload

__all__ = ["SavedItems"]


class SavedItems(Sequence[Any]):
    """The items of a saved file of JSON lines.

    It iterates, indexes and counts like the list; as a value (of a payload, of an output) it is the reference.
    """

    def __init__(self, reference: Mapping[str, Any], read: Callable[[], Iterator[Any]]) -> None:
        """Stand for a ``reference`` that tells how many ``items`` there are; ``read`` yields them from the first on."""
        self.reference = dict(reference)
        self._read = read
        self._at = 0
        self._rest: Iterator[Any] = iter(())

    def __len__(self) -> int:
        return int(self.reference["items"])

    def __iter__(self) -> Iterator[Any]:
        return self._read()

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            wanted = range(len(self))[index]
            if not wanted:
                return []
            found = list(islice(self._read(), min(wanted), max(wanted) + 1, abs(wanted.step)))
            return found if wanted.step > 0 else found[::-1]
        place = range(len(self))[index]
        if place < self._at or self._at == 0:
            self._rest, self._at = self._read(), 0
        item = next(islice(self._rest, place - self._at, None))
        self._at = place + 1
        return item
