"""What all steps have in common: whether they run at all, what they see, what their failure means."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import GimmeError
from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.operators.base import WorkflowTask, tries
from airflow_provider_gimme.operators.failure import UNDO_KEY
from airflow_provider_gimme.operators.scope import read_scope
from airflow_provider_gimme.operators.sensitive import Sensitive, never_opened
from airflow_provider_gimme.operators.state import read_state
from airflow_provider_gimme.operators.undoing import Undo, check_not_undone
from airflow_provider_gimme.operators.verdict import TOLERATED, status_of

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import Plan, StepPlan

__all__ = ["BACKSTOP_SECONDS", "CHOSEN_KEY", "StepTask", "backstop"]

BACKSTOP_SECONDS = 30
"""How long after its own limit a step is ended by Airflow."""

CHOSEN_KEY = "chosen"
"""The XCom key of the steps that a switch has chosen."""

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


class StepTask(WorkflowTask):
    """One step of a workflow. A subclass defines :meth:`perform`."""

    def __init__(self, *, plan: Plan, step: StepPlan, **kwargs: Any) -> None:
        """Make the task of a step."""
        super().__init__(plan=plan, **self.tries_of(step), **kwargs)
        self.step = step
        self.sensitive: Sensitive | None = None
        self.fixed_tries: int | None = None
        """What is in the task's idempotency keys in place of its series."""

    @staticmethod
    def tries_of(step: StepPlan) -> dict[str, Any]:
        """Return what Airflow is told of a step's tries."""
        limit = sum(entry.retry.limit for entry in step.entries)
        return tries(limit, on_crash=step.on_crash, delay=step.retry.delay)

    @cached_property
    def secrets(self) -> Secrets:
        """What gives the values of the file's ``${NAME}``."""
        return Secrets.of_file(self.plan.file, self.redactor)

    def work(self, run: TaskRun) -> Any:
        """Skip the step where it is not to run; else perform it."""
        if not self._is_enabled():
            self.skip(run, "disabled", "'enabled' is false")
        run.time_left()
        check_not_undone(run, cleared=self.is_cleared(run))
        self.begin(run)
        if self.step.run_on == "failure" and not self._has_failed(run, self.step.upstream):
            self.skip(run, "run_on", "no step before this one failed")
        if self.step.chosen_by and not self._is_chosen(run):
            self.skip(run, "switch", f"it was not chosen by {' or '.join(map(repr, self.step.chosen_by))}")
        scope = self.read(run)
        if self.step.condition is not None and not self.step.condition.evaluate(scope):
            self.skip(run, "condition", f"the condition is false: {self.step.condition.source}")
        if self.step.compensation is not None:
            run.push(UNDO_KEY, Undo(run.max_tries, may=True).to_json())
        return self.keep(self.produce(run, scope))

    def begin(self, run: TaskRun) -> None:
        """Get ready to read and to keep what is sensitive.

        :raises StepError: where the step's output is, and the worker has no key.
        """
        self.sensitive = Sensitive(run, self.secrets.hide)
        if self.step.config.sensitive:
            self.sensitive.check()
            self.redactor.conceal = True

    def keep(self, output: Any) -> Any:
        """Return an output as Airflow keeps it: a sensitive one encrypted, any other one without what is sensitive."""
        if self.sensitive is None:
            raise RuntimeError("an output is made by a step that was begun")
        return self.sensitive.close(output) if self.step.config.sensitive else self.sensitive.without(output)

    def read(self, run: TaskRun) -> Scope:
        """Return what the step's expressions are evaluated over."""
        opened = never_opened if self.sensitive is None else self.sensitive.open
        scope = read_scope(run, self.step.reads, self.secrets, opened=opened)
        return scope.with_extra(state=read_state(run, self.step.state_read)) if self.step.state_read else scope

    def produce(self, run: TaskRun, scope: Scope) -> Any:
        """Return the step's output; a subclass may have other ways to it than :meth:`perform`."""
        return self.perform(run, scope)

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Do what the step says and return its output."""
        raise NotImplementedError

    def is_cleared(self, run: TaskRun) -> bool:
        """Say whether somebody has cleared the task, so that its work is done anew."""
        return run.max_tries != self.retries

    def may_be_done(self, run: TaskRun, error: GimmeError) -> bool:  # noqa: ARG002 - a subclass looks at both
        """Say whether the step's work may have been done although it ended with an error."""
        return False

    def note_error(self, run: TaskRun, error: GimmeError) -> None:
        """Tell what would undo the step that there is nothing to undo, where that is known."""
        if self.step.compensation is not None and not self.may_be_done(run, error):
            run.push(UNDO_KEY, Undo(run.max_tries, may=False).to_json())

    def tolerate(self, error: GimmeError) -> str | None:  # noqa: ARG002 - every failure of the step is tolerated
        """Return the mark of a tolerated failure where the file says that the run goes on."""
        return TOLERATED if self.step.tolerated else None

    def _is_enabled(self) -> bool:
        written = self.step.config.enabled
        if isinstance(written, bool):
            return written
        from airflow_provider_gimme.expressions import Compiler, Scope

        text = Compiler().template(written).evaluate(Scope(secret=self.secrets)).strip().lower()
        if text in _TRUE | _FALSE:
            return text in _TRUE
        from airflow_provider_gimme.errors import StepError

        raise StepError(f"'enabled' is {written}, which stands for neither true nor false. Set it to true or false.")

    def _is_chosen(self, run: TaskRun) -> bool:
        return any(self.step.task_id in (run.pull(switch, CHOSEN_KEY) or ()) for switch in self.step.chosen_by)

    def _has_failed(self, run: TaskRun, task_ids: Iterable[str]) -> bool:
        states = run.states(tuple(task_ids))
        return any(status_of(state, None) in {"failed", "upstream_failed"} for state in states.values())


def backstop(step: StepPlan) -> timedelta | None:
    """Return when Airflow ends a try of a step: each fallback may take as long as the step's own call."""
    if step.timeout is None or step.config.waits:
        return None
    more = BACKSTOP_SECONDS if step.config.own_clock else 0
    return step.timeout * len(step.entries) + timedelta(seconds=more)
