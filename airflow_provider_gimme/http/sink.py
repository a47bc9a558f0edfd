"""Where the body of an answer goes that is not kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from airflow_provider_gimme.http.decoding import UnreadableBodyError

__all__ = ["Sink", "SinkError"]


class SinkError(UnreadableBodyError):
    """Tell that a body cannot be saved; the text says why, without the names of folders that are nobody's business."""


class Sink(Protocol):
    """Take one body piece by piece; either all of it is there in the end, or nothing.

    After :meth:`commit` or :meth:`abort` the next piece begins anew. All of it may raise :class:`SinkError`.
    """

    async def write(self, chunk: bytes) -> None:
        """Take the next piece."""
        ...

    async def commit(self) -> None:
        """Make the whole body be there: what was there before is replaced at once, even by a body of no piece."""
        ...

    async def abort(self) -> None:
        """Forget what was taken; what was there before stays."""
        ...

    def reference(self, media_type: str) -> Mapping[str, Any]:
        """Return what stands for the body that was committed last, as plain data."""
        ...
