"""Bodies that are files, or made of parts: plain data, whose files are opened anew for each attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

__all__ = ["Content", "FileBody", "Multipart", "Part", "show_content"]

_SHOWN = 10_000


@dataclass(frozen=True)
class FileBody:
    """A file that is sent."""

    name: str
    """The name that a server is told."""
    size: int
    """Its length in bytes."""
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)
    """Opens it for reading; it is called in a thread, once for each attempt."""
    media_type: str = "application/octet-stream"

    def __str__(self) -> str:
        return f"<{self.name}, {self.size:,} bytes>"


@dataclass(frozen=True, repr=False)
class Part:
    """One part of a multipart body: a file, or the bytes of a field."""

    name: str
    content: bytes | FileBody
    media_type: str | None = None
    """Of a field; None for plain text. A file says its own."""

    def __str__(self) -> str:
        content = self.content
        return f"{self.name}: {content.decode('utf-8', 'replace') if isinstance(content, bytes) else content}"


@dataclass(frozen=True, repr=False)
class Multipart:
    """A body of parts, ``multipart/form-data`` (RFC 7578)."""

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return "\n".join(str(part)[:_SHOWN] for part in self.parts)


Content = bytes | Multipart | FileBody
"""What the body of a request can be."""


def show_content(content: Content) -> str:
    """Write a body for people: text as it is, a file as its name and size."""
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
