"""What is wrong with a file, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Problem"]


@dataclass(frozen=True, order=True)
class Problem:
    """A located fault in a file; ``str()`` of it is the line a person reads.

    ``line`` and ``column`` count from 1. ``path`` is where in the document (``steps[0] 'fetch'.retry``), empty
    for the document as a whole. ``message`` says what is wrong and what to do, without any secret.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        warning = "warning: " if self.severity == "warning" else ""
        path = f"{self.path}: " if self.path else ""
        return f"{where}{warning}{path}{self.message}"
