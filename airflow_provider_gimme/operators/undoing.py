"""What is undone once a run has failed: told by marks that steps leave, and by what was undone before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.operators.failure import UNDO_KEY, UNDONE_KEY
from airflow_provider_gimme.operators.verdict import status_of

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.ending import Ending
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import Plan, StepPlan

__all__ = ["Undo", "check_not_undone", "read_undo", "steps_to_undo", "undone_series", "without_turn"]


@dataclass(frozen=True)
class Undo:
    """The mark of a step that has a ``compensation``: its work has begun."""

    series: int
    """Airflow's ``max_tries`` of the step: another one after a clear. It is in the key of what undoes the step."""
    may: bool
    """Whether the work may have been done, where the step has not succeeded."""

    def to_json(self) -> dict[str, Any]:
        """Return the mark as JSON types."""
        return {"series": self.series, "may": self.may}


def read_undo(run: TaskRun, task_id: str) -> Undo | None:
    """Return the mark of a step; None where its work was not begun."""
    found = run.pull(task_id, UNDO_KEY)
    return Undo(int(found["series"]), bool(found["may"])) if isinstance(found, Mapping) else None


def steps_to_undo(plan: Plan, ending: Ending, marks: Mapping[str, Undo]) -> tuple[tuple[str, ...], str]:
    """Return the steps of a run that are undone, in the plan's order, and why they are, or why none is.

    ``marks`` are those of the steps that have one. A step is undone that succeeded, or that may have been done although
    it has failed, or although somebody has ended it.
    """
    if ending.verdict.state != "failed":
        return (), f"the run has {ending.verdict.state}"
    aborted = [name for name in ending.verdict.failed if _aborts(plan, name)]
    if aborted:
        return (), f"step '{aborted[0]}' failed, and says 'on_failure: abort'"
    found = tuple(step.task_id for step in plan.undoable if _is_undone(step.task_id, ending, marks))
    return found, "the run has failed"


def without_turn(waits: Mapping[str, Sequence[str]], undo: Sequence[str]) -> list[str]:
    """Return the steps that need no turn: neither they nor any that is undone before them is to be undone.

    ``waits`` are those that each is undone after, in the order in which they are undone.
    """
    needless: dict[str, None] = {}
    for name, before in waits.items():
        if name not in undo and all(each in needless for each in before):
            needless[name] = None
    return list(needless)


def check_not_undone(run: TaskRun, *, cleared: bool) -> None:
    """Look whether the task, which somebody has cleared, goes on from what was undone.

    :raises StepError: where it does, naming the steps to clear as well.
    """
    names = [step.task_id for step in run.plan.undoable if step.task_id != run.task_id] if cleared else []
    states = run.states(names)
    undone = [name for name in names if status_of(states.get(name), None) is not None and _was_undone(run, name)]
    if undone:
        raise StepError(
            f"the run was compensated: {', '.join(undone[:20])} {'was' if len(undone) == 1 else 'were'} undone, so the "
            "run cannot go on from here. Clear these steps together with what follows them, or the whole run."
        )


def undone_series(run: TaskRun, step: StepPlan) -> int | None:
    """Return the series of a step that was undone, or that somebody has begun to undo; None where there is none."""
    found = None if step.compensation is None else run.pull(step.compensation.task_id, UNDONE_KEY)
    return None if found is None else int(found)


def _was_undone(run: TaskRun, name: str) -> bool:
    mark = read_undo(run, name)
    return mark is not None and undone_series(run, run.plan.by_id[name]) == mark.series


def _is_undone(name: str, ending: Ending, marks: Mapping[str, Undo]) -> bool:
    mark = marks.get(name)
    status = status_of(ending.states.get(name), ending.marks.get(name))
    if mark is None or (status == "skipped" and name in ending.marks):
        return False
    return status == "success" or mark.may


def _aborts(plan: Plan, name: str) -> bool:
    step = plan.by_id.get(name)
    return step is not None and step.config.on_failure == "abort"
