"""The bounds of one evaluation, and the evaluation that is under way."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import ExpressionError

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions.scope import Scope

__all__ = ["CURRENT", "DEFAULT_LIMITS", "Evaluation", "Limits", "made", "tick"]


@dataclass(frozen=True)
class Limits:
    """What one evaluation may use.

    ``output_bytes`` bounds what it yields, and each text or list it makes on the way; all those together may be four
    times as large. ``seconds`` bounds its time: every round of a loop, every macro, filter by name and step of a path
    looks at the clock. ``items`` bounds a ``range`` and a list that is made by ``*`` or ``+``.
    """

    output_bytes: int = 20_000_000
    seconds: float = 5.0
    items: int = 1_000_000

    @property
    def megabytes(self) -> str:
        """The bound of the output, for messages."""
        return f"{self.output_bytes / 1_000_000:g} MB"


DEFAULT_LIMITS = Limits()


class Evaluation:
    """One evaluation under way: what it sees, what it has used."""

    __slots__ = ("clock", "deadline", "limits", "made", "scope", "table")

    def __init__(
        self, scope: Scope, limits: Limits, table: tuple[Any, ...] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.scope = scope
        self.limits = limits
        self.table = table
        self.clock = clock
        self.deadline = clock() + limits.seconds
        self.made = 0

    def tick(self) -> None:
        """Look at the clock.

        :raises ExpressionError: where the time is up.
        """
        if self.clock() > self.deadline:
            limit = f"{self.limits.seconds:g} s"
            raise ExpressionError(f"the expression takes more than {limit}. Do less in one expression.")

    def make(self, size: int) -> None:
        """Account for a text of ``size`` characters, or as much memory.

        :raises ExpressionError: where it, or all there is so far, is too large.
        """
        self.made += size
        if size > self.limits.output_bytes or self.made > 4 * self.limits.output_bytes:
            raise self.too_large()

    def too_large(self) -> ExpressionError:
        """Return the error for a result that is too large."""
        return ExpressionError(f"the expression yields more than {self.limits.megabytes}. Yield less.")


CURRENT: ContextVar[Evaluation] = ContextVar("CURRENT")
"""The evaluation under way in this thread or task."""


def tick() -> None:
    """Look at the clock of the evaluation under way.

    :raises ExpressionError: where the time is up.
    """
    CURRENT.get().tick()


def made(size: int) -> None:
    """Account for ``size`` characters in the evaluation under way.

    :raises ExpressionError: where it has made too much.
    """
    CURRENT.get().make(size)
