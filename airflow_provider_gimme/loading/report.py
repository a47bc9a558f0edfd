"""The problems of one file, collected as they are found."""

from __future__ import annotations

import re
from typing import Literal

from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Path, Sequence, split_path

__all__ = ["Report", "Severity", "child", "format_path"]

Severity = Literal["error", "warning"]

_DEEPEST = 20
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_@-]{1,60}")


class Report:
    """Collect the problems of a file; ``root`` is its document, once there is one."""

    def __init__(self, file: str, root: Node | None = None) -> None:
        self.file = file
        self.root = root
        self._secrets: set[str] = set()
        self._found: dict[tuple[int, int, Path, str, Severity], None] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems so far, each once, in the order of the file."""
        return tuple(sorted(self._problem(*found) for found in self._found))

    def _problem(self, line: int, column: int, path: Path, message: str, severity: Severity) -> Problem:
        file, rest = split_path(path, self.file)
        return Problem(file, line, column, format_path(rest, self.root), self._redact(message), severity)

    @property
    def failed(self) -> bool:
        """Whether there is a problem that is more than a warning."""
        return any(severity == "error" for *_, severity in self._found)

    def add(self, place: Node | Entry, message: str, severity: Severity = "error") -> None:
        """Add a problem at a value, or at a key where that is what is wrong."""
        path = place.path if isinstance(place, Node) else place.path[:-1]
        self.add_at(place.line, place.column, message, path, severity)

    def hide(self, secret: str) -> None:
        """Keep a text that was found to be a secret out of every message."""
        self._secrets.add(secret)

    def hide_like(self, other: Report) -> None:
        """Keep the secrets that another report has found out of every message of this one."""
        self._secrets |= other._secrets

    def take(self, other: Report, head: str) -> None:
        """Take over another report's problems that stand under a key of the document."""
        self._found.update((found, None) for found in other._found if found[2][:1] == (head,))

    def warn(self, place: Node | Entry, message: str) -> None:
        """Add a warning."""
        self.add(place, message, "warning")

    def add_at(
        self,
        line: int,
        column: int,
        message: str,
        path: Path = (),
        severity: Severity = "error",
    ) -> None:
        """Add a problem at a line and a column, both from 1."""
        self._found[line, column, path, message, severity] = None

    def _redact(self, message: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            message = message.replace(secret if len(secret) > 5 else f"'{secret}'", "***")
        return message


def format_path(path: Path, root: Node | None) -> str:
    """Write a path the way a person reads it: ``steps[0] 'fetch'.retry``."""
    text = ""
    for index, part in enumerate(path):
        if index == _DEEPEST:
            return f"{text}…"
        if isinstance(part, int):
            text += f"[{part}]" + _label(path[: index + 1], root)
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part[:60]!r}]"
    return text


def _label(path: Path, root: Node | None) -> str:
    if len(path) < 2 or path[-2] != "steps":
        return ""
    node = root
    for part in path:
        node = child(node, part)
    name = (node.text("id") or node.text("name")) if isinstance(node, Mapping) else None
    return f" '{name}'" if name and _PLAIN_KEY.fullmatch(name) else ""


def child(node: Node | None, part: str | int) -> Node | None:
    """Return the value under a key or an index; None where there is none."""
    if isinstance(node, Mapping):
        return node.get(str(part))
    if isinstance(node, Sequence) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None
