"""One measured figure, and the table of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Row", "render_table"]

_HEAD = "| figure | ours | rival | ratio | target | met |\n|---|---:|---:|---:|---:|---|\n"


@dataclass(frozen=True)
class Row:
    """One figure beside that of its rival, in one unit."""

    figure: str
    """What is measured, in words."""
    unit: str
    value: float
    """Ours."""
    rival: float | None = None
    """The same work done without us; None where nobody does it."""
    target: float | None = None
    """The value that is still good; None where there is only something to know."""
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times the rival's figure ours is."""
        return self.value / self.rival if self.rival else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target


def render_table(rows: Iterable[Row]) -> str:
    """Return the rows as a table in Markdown."""
    return _HEAD + "".join(f"| {' | '.join(_cells(row))} |\n" for row in rows)


def _cells(row: Row) -> tuple[str, ...]:
    bound = "at least" if row.more_is_better else "at most"
    return (
        row.figure,
        f"{row.value:,.0f} {row.unit}",
        "" if row.rival is None else f"{row.rival:,.0f} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.target is None else f"{bound} {row.target:,.0f} {row.unit}",
        {None: "", True: "yes", False: "**no**"}[row.met],
    )
