"""Show the steps of a run as it goes on: a line for each, redrawn in a terminal, added elsewhere when it changes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TextIO

from demo.steps import Step

__all__ = ["Progress"]

_UP = "\x1b[{}F"
_CLEAR = "\x1b[K"
_NAME_WIDTH = 32
_QUIET = frozenset({"waiting", "scheduled", "queued", "restarting"})
"""States of a step that tell nothing in a list of changes."""


class Progress:
    """Write to ``out``; ``live`` says whether it is a terminal whose lines can be written anew."""

    def __init__(self, out: TextIO, *, live: bool) -> None:
        self._out = out
        self._live = live
        self._drawn = 0
        self._told: dict[str, str] = {}

    def show(self, steps: Sequence[Step], elapsed_seconds: float) -> None:
        """Show the steps as they are now, ``elapsed_seconds`` after the run was triggered."""
        columns, rows = shutil.get_terminal_size()
        if self._live and len(steps) + 2 < rows:
            self._redraw(steps, columns)
        else:
            self._tell_changes(steps, elapsed_seconds)
        self._out.flush()

    def _redraw(self, steps: Sequence[Step], columns: int) -> None:
        if self._drawn:
            self._out.write(_UP.format(self._drawn))
        for step in steps:
            self._out.write(f"{step_line(step)[: columns - 1]}{_CLEAR}\n")
        self._drawn = len(steps)

    def _tell_changes(self, steps: Sequence[Step], elapsed_seconds: float) -> None:
        for step in steps:
            if step.state not in _QUIET and self._told.get(step.name) != step.state:
                self._told[step.name] = step.state
                self._out.write(f"{elapsed_seconds:6.1f} s {step_line(step)}\n")


def step_line(step: Step) -> str:
    """Return the line of a step: its name, its state, its time, and the attempts that did not do it."""
    seconds = f"{step.seconds:5.1f} s" if step.seconds else " " * 7
    failed = step.attempts if step.state in {"failed", "up_for_retry", "running"} else step.attempts[:-1]
    notes = " | ".join(f"attempt {number}: {attempt}" for number, attempt in enumerate(failed, start=1))
    return f"  {step.name:<{_NAME_WIDTH}} {step.state:<14} {seconds}  {notes}".rstrip()
