"""The end of a run, read from Airflow: the states of its tasks, our marks, the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_gimme.operators.failure import UNDO_KEY
from airflow_provider_gimme.operators.fields import COMPENSATION, INPUTS, RESULT
from airflow_provider_gimme.operators.verdict import Verdict, judge, status_of
from airflow_provider_gimme.plan.compensation import UNDO

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import Plan

__all__ = ["Compensated", "Ending", "read_ending", "tasks_of"]


@dataclass(frozen=True)
class Compensated:
    """What came of undoing a run."""

    undone: tuple[str, ...]
    """The steps that were undone, in this order."""
    failed: Mapping[str, Any]
    """The steps that were to be undone and are not, with the errors of what should have."""

    @property
    def state(self) -> Literal["compensated", "compensation_failed"]:
        """Whether all is undone that was to be."""
        return "compensation_failed" if self.failed else "compensated"

    def to_json(self) -> dict[str, Any]:
        """Return what is told of it."""
        return {"state": self.state, "undone": list(self.undone), "failed": dict(self.failed)}


@dataclass(frozen=True)
class Ending:
    """How a run ended, and what is known of each task of it that counts."""

    verdict: Verdict
    states: Mapping[str, str | None]
    marks: Mapping[str, str]
    errors: Mapping[str, Any]
    """The errors of the tasks that failed, tolerated or not."""
    compensation: Compensated | None = None
    """What was undone; None where nothing was to be."""

    def message_of(self, task_id: str) -> str:
        """Return what a task's error says, empty where it told none."""
        error = self.errors.get(task_id)
        return str(error.get("message", "")) if isinstance(error, Mapping) else ""

    def steps(self) -> list[dict[str, Any]]:
        """Return name, status and error of each task, for a notification."""
        return [
            {
                "name": name,
                "status": status_of(self.states.get(name), self.marks.get(name)),
                "error": self.errors.get(name),
            }
            for name in self.states
        ]


def tasks_of(plan: Plan) -> tuple[str, ...]:
    """Return the tasks of a plan's Dag that count for how a run ends, in order."""
    before = (INPUTS,) if plan.needs_inputs_task else ()
    after = (RESULT,) if plan.needs_result_task else ()
    return (*before, *(step.task_id for step in plan.steps), *after)


def read_ending(run: TaskRun) -> Ending:
    """Return how a run ended; to be asked when all its steps have."""
    tasks = tasks_of(run.plan)
    found = run.states()
    states = {name: found.get(name) for name in tasks}
    skipped = {name: run.mark_of(name) for name, state in states.items() if state == "skipped"}
    marks = {name: mark for name, mark in skipped.items() if mark is not None}
    verdict = judge(tasks, states, marks)
    errors = {name: run.error_of(name) for name in (*verdict.failed, *verdict.tolerated)}
    return Ending(verdict, states, marks, errors, _compensated(run, found))


def _compensated(run: TaskRun, states: Mapping[str, str | None]) -> Compensated | None:
    """Return what came of undoing the run, once all that undoes it has ended."""
    if not run.plan.undoable or states.get(COMPENSATION) not in {"success", "failed"}:
        return None
    if states[COMPENSATION] == "failed":
        return Compensated((), {COMPENSATION: run.error_of(COMPENSATION)})
    names = [name for name in reversed([step.task_id for step in run.plan.undoable]) if name in _to_undo(run)]
    failed = {name: run.error_of(f"{UNDO}{name}") for name in names if states.get(f"{UNDO}{name}") != "success"}
    return Compensated(tuple(name for name in names if name not in failed), failed) if names else None


def _to_undo(run: TaskRun) -> Mapping[str, int]:
    return run.pull(COMPENSATION, UNDO_KEY) or {}
