"""The tables of ``docs/misbehaviours.md``, made from the rows that are tested."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.misbehaviours.row import Row
from tests.misbehaviours.table import CHAPTERS

__all__ = ["PAGE", "render_page"]

PAGE = Path(__file__).parents[2] / "docs" / "misbehaviours.md"

_HEAD = "| the API | the step | calls | you read |\n|---|---|---|---|\n"


def render_page(page: str) -> str:
    """Return the page with what stands before its first chapter, and the tables made anew."""
    before = page.partition("\n## ")[0].rstrip("\n")
    return f"{before}\n" + "".join(f"\n## {title}\n\n{_render_rows(rows)}" for title, rows in CHAPTERS)


def _render_rows(rows: Iterable[Row]) -> str:
    """Return the table of some rows as Markdown."""
    return _HEAD + "".join(f"| {row.does} | {_says(row)} | {row.calls} | `{row.reads}` |\n" for row in rows)


def _says(row: Row) -> str:
    """Say what the step does."""
    if row.step:
        return row.step
    if row.mended:
        waited = f" after the {row.waits:g} s it is asked to wait" if row.waits else ""
        again = "again" if row.times == 1 else f"{row.times} times again"
        return f"tries {again}{waited}, and succeeds"
    if row.error is None:
        return "succeeds"
    if row.calls == 1:
        return f"fails at once: `{row.error}`"
    return f"tries again up to its limit of {row.limit}, then fails: `{row.error}`"
