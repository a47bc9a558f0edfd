"""Going on with the next call when one has failed for good: a step's ``fallback``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import CallError, GimmeError, RunTimeoutError, SecretError, StepError
from airflow_provider_gimme.operators.calling import CallingTask
from airflow_provider_gimme.operators.failure import ANSWERED_BY_KEY
from airflow_provider_gimme.operators.shown import hide
from airflow_provider_gimme.operators.step import StepTask
from airflow_provider_gimme.plan.fallback import ValueWork

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import StepPlan

__all__ = ["FallbackTask"]

_LINE = 500


class FallbackTask(StepTask, CallingTask):
    """Perform a step, and where its call has failed for good, its fallbacks in order.

    ``step`` is the entry whose turn it is. Which one that is outlives the process: the next try of the task goes on
    with it. What is no failure of a call (a template that cannot be evaluated, the run's time) ends the step at once.
    """

    @property
    def entries(self) -> tuple[StepPlan, ...]:
        """The step itself and its fallbacks."""
        return self.plan.by_id[self.step.task_id].entries

    @property
    def entry(self) -> int:
        """Whose turn it is: 0 is the step's own call, n its n-th fallback."""
        return 0 if self.call is None else self.call.attempts.entry

    def produce(self, run: TaskRun, scope: Scope) -> Any:
        """Return the output of the first entry that has one, and tell which that was."""
        while True:
            try:
                work = self.step.work
                output = work.value.evaluate(scope) if isinstance(work, ValueWork) else self.perform(run, scope)
            except GimmeError as error:
                scope = self._fall_back(run, scope, error)
            else:
                self._tell(run)
                return output

    def _fall_back(self, run: TaskRun, scope: Scope, error: GimmeError) -> Scope:
        """Turn to the next entry and return its scope, or raise the error where there is none for it."""
        call, last = self.call, self.entry + 1 == len(self.entries)
        if call is None or not _has_failed(error):
            raise error
        decision = self.decide(run, error)
        if decision.retry and run.may_retry:
            raise error
        line = str(hide(str(error).partition("\n")[0], self.redactor))[:_LINE]
        if last:
            _name_all(error, (*call.attempts.errors, line))
            raise error
        self.log.warning("%s failed for good: %s (%s)", self._name(), line, decision.reason)
        self.step = self.entries[self.entry + 1]
        call.next_entry(self.step.retry, line)
        run.time_left()
        self.log.info("%s of %d is tried", self._name(), len(self.entries) - 1)
        return replace(scope, run=run.info(call.upcoming))

    def _tell(self, run: TaskRun) -> None:
        if len(self.entries) > 1:
            run.push(ANSWERED_BY_KEY, self.entry)
            self.log.info("The output is that of %s", self._name().lower())

    def _name(self) -> str:
        return f"Fallback {self.entry}" if self.entry else "The step's own call"


def _has_failed(error: GimmeError) -> bool:
    """Say whether an error is one of a call, or of what it needs: a secret, a connection, its pages."""
    return isinstance(error, CallError | SecretError | StepError) and not isinstance(error, RunTimeoutError)


def _name_all(error: GimmeError, lines: tuple[str, ...]) -> None:
    """Make an error tell what every entry failed by."""
    if len(lines) > 1:
        names = ["the step's own call", *(f"fallback {number}" for number in range(1, len(lines)))]
        told = [f"- {name}: {line}" for name, line in zip(names, lines, strict=True)]
        error.args = ("\n".join(["the call and all its fallbacks have failed:", *told]),)
