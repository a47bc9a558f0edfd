"""The tasks that undo a run which has failed: one that finds out what is undone, and one for each step that can be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import DownstreamTasksSkipped

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.operators.base import WorkflowTask
from airflow_provider_gimme.operators.ending import read_ending
from airflow_provider_gimme.operators.failure import UNDO_KEY, UNDONE_KEY
from airflow_provider_gimme.operators.fanning import JOURNAL, item_codec
from airflow_provider_gimme.operators.fields import COMPENSATION
from airflow_provider_gimme.operators.undo_items import undoable_items
from airflow_provider_gimme.operators.undoing import read_undo, steps_to_undo, without_turn
from airflow_provider_gimme.plan.compensation import UNDO
from airflow_provider_gimme.steps.api_call.operator import StepOperator

if TYPE_CHECKING:
    from airflow_provider_gimme.errors import GimmeError
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import StepPlan

__all__ = ["CompensationOperator", "UndoOperator"]


class CompensationOperator(WorkflowTask):
    """Find out what is undone, and let the tasks that have nothing to do end at once."""

    custom_operator_name = "compensation"
    ui_color = "#f2f2f2"

    def __init__(self, *, waits: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        """Make the task; ``waits`` are the steps that each step is undone after, in the order of undoing."""
        super().__init__(**kwargs)
        self._waits = dict(waits)

    def work(self, run: TaskRun) -> Any:
        """Tell the tasks that follow which steps are undone, and in which series each was done."""
        ending = read_ending(run)
        marks = {step.task_id: read_undo(run, step.task_id) for step in self.plan.undoable}
        undo, reason = steps_to_undo(self.plan, ending, {name: mark for name, mark in marks.items() if mark})
        self.log.info("%s: %s", f"To undo: {', '.join(reversed(undo))}" if undo else "Nothing to undo", reason)
        run.push(UNDO_KEY, {name: mark.series for name in undo if (mark := marks[name]) is not None})
        needless = without_turn(self._waits, undo)
        if needless:
            raise DownstreamTasksSkipped(tasks=[f"{UNDO}{name}" for name in needless])
        return None


class UndoOperator(StepOperator):
    """Undo one step: by one call, or by one for each item that was done.

    The key of a call is that of what it undoes, not of this task: whoever undoes it again does so under the same.
    """

    custom_operator_name = "undo"
    ui_color = "#f6d9d5"

    def work(self, run: TaskRun) -> Any:
        """Make the call where the step is to be undone."""
        run = replace(run, limited=False)
        undone = self._undone
        found = run.pull(COMPENSATION, UNDO_KEY)
        if found is None:
            raise StepError(
                f"nobody knows whether '{undone.task_id}' is to be undone: '{COMPENSATION}' failed. Clear it."
            )
        if undone.task_id not in found:
            self.skip(run, "compensation", f"there is nothing to undo of '{undone.task_id}'")
        self.fixed_tries = int(found[undone.task_id])
        if run.store.get(UNDONE_KEY) == self.fixed_tries:
            run.push(UNDONE_KEY, self.fixed_tries)
            self.log.info("It was undone before")
            return None
        self.begin(run)
        scope = self._with_items(run, self.read(run))
        run.push(UNDONE_KEY, self.fixed_tries)
        output = self.keep(self.produce(run, scope))
        run.store.set(UNDONE_KEY, self.fixed_tries)
        return output

    def read(self, run: TaskRun) -> Scope:
        """Return what the call's expressions are evaluated over: also ``output``, that of what is undone."""
        scope = super().read(run)
        undone: Any = scope.steps[self._undone.task_id]
        return scope.with_extra(output=undone.output)

    def note_error(self, run: TaskRun, error: GimmeError) -> None:
        """Tell nothing: what undoes is not undone itself."""

    @property
    def _undone(self) -> StepPlan:
        """The step that is undone."""
        return self.plan.by_id[self.step.task_id.removeprefix(UNDO)]

    def _with_items(self, run: TaskRun, scope: Scope) -> Scope:
        """Return the scope with the items that are undone, where there are items."""
        undone = self._undone
        each = getattr(undone.work, "each", None)
        if each is None:
            return scope
        there = run.of_task(undone.task_id)
        codec = item_codec(there, sensitive=undone.config.sensitive)
        found = asyncio.run(undoable_items(there, each, scope, JOURNAL, codec))
        self.log.info("%d items are to be undone", len(found))
        return scope.with_extra(undoable=found)
