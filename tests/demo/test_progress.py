"""The progress of a run is a line per step: redrawn in a terminal, added when it changes elsewhere."""

from __future__ import annotations

import io

import pytest

from demo.progress import Progress, step_line
from demo.steps import Attempt, Step

_RETRIED = (Attempt(503, "503, tried again", 2.0), Attempt(200, "", None))


def test_a_line_tells_the_attempts_that_did_not_do_it() -> None:
    """A successful step shows its failed attempts, not the last, successful one."""
    line = step_line(Step("fetch", "success", 4.25, _RETRIED))
    assert " ".join(line.split()) == "fetch success 4.2 s attempt 1: 503, tried again; next in 2.0 s"


def test_a_waiting_step_shows_its_name_and_state_alone() -> None:
    """A step that has not begun has neither time nor attempts."""
    assert step_line(Step("fetch", "waiting", 0, ())).split() == ["fetch", "waiting"]


def test_an_attempt_without_a_reason_is_its_status() -> None:
    """Where nothing was said, the status is told, and "no answer" where there was none."""
    assert str(Attempt(404, "", None)) == "404"
    assert str(Attempt(None, "", 1.0)) == "no answer; next in 1.0 s"


def test_changes_are_told_once_outside_a_terminal() -> None:
    """A state is told when it is reached, with the time since the trigger; waiting is not told."""
    out = io.StringIO()
    progress = Progress(out, live=False)
    for elapsed, state in ((1, "queued"), (2, "running"), (3, "running"), (4, "success")):
        progress.show([Step("fetch", state, elapsed, ()), Step("send", "waiting", 0, ())], elapsed)
    lines = out.getvalue().splitlines()
    assert [(line.split()[0], line.split()[3]) for line in lines] == [("2.0", "running"), ("4.0", "success")]


def test_lines_are_written_anew_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second drawing goes up over the first, and no line is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "24")
    out = io.StringIO()
    progress = Progress(out, live=True)
    steps = [Step("a", "running", 1, _RETRIED), Step("b", "waiting", 0, ())]
    progress.show(steps, 1)
    first = out.getvalue()
    assert "\x1b[2F" not in first
    assert all(len(line.removesuffix("\x1b[K")) < 40 for line in first.splitlines())
    progress.show(steps, 2)
    assert out.getvalue() == f"{first}\x1b[2F{first}"


def test_a_terminal_too_low_for_all_steps_gets_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lines do not fit, nothing is redrawn."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "5")
    out = io.StringIO()
    progress = Progress(out, live=True)
    for _ in range(2):
        progress.show([Step(name, "running", 1, ()) for name in "abcd"], 1)
    assert len(out.getvalue().splitlines()) == 4
