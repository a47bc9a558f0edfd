"""How a run ended, told from the states of its tasks: one pure function for all who ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["TOLERATED", "StepStatus", "Verdict", "judge", "status_of"]

TOLERATED = "tolerated"
"""The mark of a step that failed and whose failure the run goes on with."""

StepStatus = Literal["success", "failed", "skipped", "tolerated", "upstream_failed"]

_FAILED = frozenset({"failed", "upstream_failed"})


@dataclass(frozen=True)
class Verdict:
    """How a run ended."""

    state: Literal["succeeded", "failed", "tolerated"]
    """``tolerated``: all went well but for steps whose failure the file tolerates."""
    failed: tuple[str, ...] = ()
    """The steps that failed themselves."""
    not_run: tuple[str, ...] = ()
    """The steps that did not run because of those before them."""
    ended: tuple[str, ...] = ()
    """The steps that somebody, or Airflow, ended: skipped without our mark, or never finished."""
    tolerated: tuple[str, ...] = ()
    """The steps that failed and are tolerated."""


def status_of(state: str | None, mark: str | None) -> StepStatus | None:
    """Return the status of a step from its task's state and our mark of why it was skipped; None: not finished."""
    if state == "skipped":
        return "tolerated" if mark == TOLERATED else "skipped"
    return state if state in {"success", "failed", "upstream_failed"} else None  # type: ignore[return-value]


def judge(tasks: Iterable[str], states: Mapping[str, str | None], marks: Mapping[str, str]) -> Verdict:
    """Return how a run ended.

    ``tasks`` are all steps, in order, with the tasks ``inputs`` and ``result`` where they exist. ``states`` are their
    tasks' states, ``marks`` why a step was skipped by ourselves. A step that failed or could not run fails the run, and
    so does one that is neither finished nor skipped by ourselves: then somebody ended the run. A task that is not in
    this version of the Dag (``removed``) does not count.
    """
    counted = [task for task in tasks if states.get(task) != "removed"]
    failed = tuple(task for task in counted if states.get(task) == "failed")
    not_run = tuple(task for task in counted if states.get(task) == "upstream_failed")
    ended = tuple(task for task in counted if _was_ended(states.get(task), marks.get(task)))
    tolerated = tuple(task for task in counted if states.get(task) == "skipped" and marks.get(task) == TOLERATED)
    if failed or not_run or ended:
        return Verdict("failed", failed, not_run, ended, tolerated)
    return Verdict("tolerated" if tolerated else "succeeded", tolerated=tolerated)


def _was_ended(state: str | None, mark: str | None) -> bool:
    if state == "skipped":
        return mark is None
    return state != "success" and state not in _FAILED
