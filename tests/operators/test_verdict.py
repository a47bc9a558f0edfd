"""One pure function says how a run ended: a table of all states with and without our mark."""

from __future__ import annotations

from itertools import product

import pytest

from airflow_provider_gimme.operators.verdict import TOLERATED, judge, status_of

STATES = (
    None,
    "success",
    "failed",
    "upstream_failed",
    "skipped",
    "removed",
    "running",
    "queued",
    "scheduled",
    "deferred",
    "up_for_retry",
    "up_for_reschedule",
    "restarting",
)
MARKS = (None, "condition", "disabled", "run_on", TOLERATED)

EXPECTED: dict[tuple[str | None, str | None], str] = {
    **{(state, mark): "succeeded" for state in ("success", "removed") for mark in MARKS},
    ("skipped", "condition"): "succeeded",
    ("skipped", "disabled"): "succeeded",
    ("skipped", "run_on"): "succeeded",
    ("skipped", TOLERATED): "tolerated",
}
"""Every other state of a step fails the run, whatever its mark."""


@pytest.mark.parametrize("state,mark", list(product(STATES, MARKS)))
def test_every_state_of_one_step_has_its_verdict(state: str | None, mark: str | None) -> None:
    """A run of one step ends as the table says, for every state that a task can have."""
    marks = {} if mark is None else {"a": mark}
    assert judge(["a"], {"a": state}, marks).state == EXPECTED.get((state, mark), "failed")


def test_the_worst_step_decides() -> None:
    """Of two steps in any two states, a failure outweighs a tolerated one, and that a good end."""
    order = ("failed", "tolerated", "succeeded")
    for first, second in product(product(STATES, MARKS), repeat=2):
        worst = min((EXPECTED.get(first, "failed"), EXPECTED.get(second, "failed")), key=order.index)
        marks = {name: mark for name, (_, mark) in zip("ab", (first, second), strict=True) if mark is not None}
        assert judge(["a", "b"], {"a": first[0], "b": second[0]}, marks).state == worst, (first, second)


def test_a_failed_run_tells_what_failed_and_what_did_not_run() -> None:
    """The verdict tells apart what failed, what could not run, what was ended, and what is tolerated."""
    states = {"a": "failed", "b": "upstream_failed", "c": "skipped", "d": "skipped", "e": "success", "f": "running"}
    verdict = judge("abcdef", states, {"d": TOLERATED})
    assert (verdict.failed, verdict.not_run, verdict.ended, verdict.tolerated) == (("a",), ("b",), ("c", "f"), ("d",))


def test_a_step_without_a_state_was_ended() -> None:
    """A step that Airflow has no state of did not run, and nobody may take that for a success."""
    assert judge(["a"], {}, {}).ended == ("a",)


@pytest.mark.parametrize(
    "state,mark,status",
    [
        ("success", None, "success"),
        ("failed", None, "failed"),
        ("upstream_failed", None, "upstream_failed"),
        ("skipped", "condition", "skipped"),
        ("skipped", None, "skipped"),
        ("skipped", TOLERATED, "tolerated"),
        ("running", None, None),
        (None, None, None),
    ],
)
def test_a_status_is_what_expressions_see(state: str | None, mark: str | None, status: str | None) -> None:
    """A task's state and our mark give the status that later steps read."""
    assert status_of(state, mark) == status
