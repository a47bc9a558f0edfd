"""The tree of a document: values that know where they were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Elsewhere", "Entry", "Mapping", "Node", "Path", "Scalar", "Sequence", "plain", "split_path"]

Path = tuple[str | int, ...]
"""Where in a document: keys and indexes from its root."""


class Elsewhere(str):
    """The file that a value was written in where that is not the workflow's own: the first part of its path."""

    __slots__ = ()


def split_path(path: Path, file: str) -> tuple[str, Path]:
    """Return the file that a path lies in, which is ``file`` where it does not say, and the path within that."""
    if path and isinstance(path[0], Elsewhere):
        return str(path[0]), path[1:]
    return file, path


class Node:
    """One value of a document.

    ``line`` and ``column`` count from 1. ``path`` is where the value was *written*: what is merged from elsewhere keeps
    it. ``size`` is the number of characters the value stands for once aliases are expanded.
    """

    __slots__ = ("column", "line", "path", "size")

    noun = "a value"

    def __init__(self, line: int, column: int, path: Path) -> None:
        self.line = line
        self.column = column
        self.path = path
        self.size = 2


class Scalar(Node):
    """A text, a number, a truth value or nothing; ``source`` is how it was written, without quotes."""

    __slots__ = ("block", "source", "value")

    noun = "a single value"

    def __init__(self, line: int, column: int, path: Path, value: Any, source: str, *, block: bool = False) -> None:
        super().__init__(line, column, path)
        self.value = value
        self.source = source
        self.block = block
        self.size += len(source)


class Entry:
    """One key of a map with its value; ``line`` and ``column`` are the key's."""

    __slots__ = ("column", "line", "node", "path")

    def __init__(self, line: int, column: int, path: Path, node: Node) -> None:
        self.line = line
        self.column = column
        self.path = path
        self.node = node


class Mapping(Node):
    """A map of text keys."""

    __slots__ = ("entries",)

    noun = "a map"

    def __init__(self, line: int, column: int, path: Path, entries: dict[str, Entry] | None = None) -> None:
        super().__init__(line, column, path)
        self.entries: dict[str, Entry] = {} if entries is None else entries

    def get(self, key: str) -> Node | None:
        """Return the value of a key, None where the key is not written."""
        entry = self.entries.get(key)
        return None if entry is None else entry.node

    def text(self, key: str) -> str | None:
        """Return the text of a key's scalar, as written; None where it is missing, empty or no scalar."""
        node = self.get(key)
        return node.source if isinstance(node, Scalar) and node.value is not None else None

    def maps(self, key: str) -> Iterator[tuple[str, Mapping]]:
        """Yield name and value of each map in the map under a key."""
        node = self.get(key)
        if isinstance(node, Mapping):
            for name, entry in node.entries.items():
                if isinstance(entry.node, Mapping):
                    yield name, entry.node

    def with_entries(self, entries: dict[str, Entry]) -> Mapping:
        """Return a map that stands at the same place, with other entries."""
        return Mapping(self.line, self.column, self.path, entries)


class Sequence(Node):
    """A list."""

    __slots__ = ("items",)

    noun = "a list"

    def __init__(self, line: int, column: int, path: Path, items: list[Node] | None = None) -> None:
        super().__init__(line, column, path)
        self.items: list[Node] = [] if items is None else items


def plain(node: Node) -> Any:
    """Return a value as plain data, aliases expanded: nothing in it is shared."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else None
