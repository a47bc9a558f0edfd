"""What all tasks of a workflow's Dag have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from traceback import format_tb
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_gimme.errors import GimmeError
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.retry import Decision
from airflow_provider_gimme.operators.engine import Engine
from airflow_provider_gimme.operators.failure import ERROR_KEY, SKIP_KEY, describe
from airflow_provider_gimme.operators.fields import SERIALIZED_FIELDS
from airflow_provider_gimme.operators.policy import CRASH_RETRIES, StepRetryPolicy
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.shown import hide_in_error

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.plan import Plan

__all__ = ["WorkflowTask", "tries"]


def tries(limit: int = 0, *, on_crash: bool = True, delay: timedelta = timedelta(seconds=5)) -> dict[str, Any]:
    """Return what Airflow is told of a task's tries; ``limit`` is the number of retries that its calls may need."""
    policy = StepRetryPolicy(on_crash=on_crash)
    return {"retries": limit + CRASH_RETRIES, "retry_delay": delay, "retry_policy": policy}


class WorkflowTask(BaseOperator):
    """One task of a workflow: reads the run, works, and tells the error of its work.

    A subclass defines :meth:`work`. What goes wrong with the work is an error of this package; the task decides about
    it (:meth:`decide`), tells it to later steps, and Airflow does what was decided.
    """

    shallow_copy_attrs: Sequence[str] = ("plan", "step", "engine", "retry_policy")

    def __init__(self, *, plan: Plan, **kwargs: Any) -> None:
        """Make a task of a plan."""
        super().__init__(weight_rule="absolute", **{**tries(), **kwargs})
        self.plan = plan
        self.engine = Engine()

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Return the names of what is kept of a task in the serialized Dag."""
        return frozenset(super().get_serialized_fields()) | SERIALIZED_FIELDS  # type: ignore[no-untyped-call]

    def execute(self, context: Context) -> Any:
        """Do the work and return its output, which becomes the task's XCom."""
        run = TaskRun.of(context, self.plan)
        try:
            return self.work(run)
        except GimmeError as error:
            self._end(run, error)

    def work(self, run: TaskRun) -> Any:
        """Do the task's work and return its output."""
        raise NotImplementedError

    def decide(self, run: TaskRun, error: GimmeError) -> Decision:  # noqa: ARG002 - a subclass looks at the run
        """Decide what comes after an error: by itself, an error is final."""
        return Decision(retry=False, wait=timedelta(0), reason="this error is not one that another attempt can mend")

    def tolerate(self, error: GimmeError) -> str | None:  # noqa: ARG002 - a subclass looks at the error
        """Return the mark of a final error that the run goes on with; None where it fails the run."""
        return None

    def note_error(self, run: TaskRun, error: GimmeError) -> None:
        """Tell what else is to be told of an error that was decided about."""

    def attempts_made(self) -> int:
        """Return how many attempts of a call were made so far."""
        return 0

    def on_kill(self) -> None:
        """Stop what runs; Airflow calls it when the task was ended from outside."""
        self.engine.stop("Airflow ended the task")

    @cached_property
    def redactor(self) -> Redactor:
        """What hides the secrets that this task has seen."""
        return Redactor()

    def skip(self, run: TaskRun, mark: str, reason: str) -> NoReturn:
        """End as skipped, with our mark, so that nobody takes it for a task that somebody ended."""
        run.push(SKIP_KEY, mark)
        raise AirflowSkipException(reason)

    def _end(self, run: TaskRun, error: GimmeError) -> NoReturn:
        hide_in_error(error, self.redactor)
        decision = self.decide(run, error)
        if decision.retry and not run.may_retry:
            decision = Decision(retry=False, wait=timedelta(0), reason="Airflow's own tries of the task are used up")
        self.note_error(run, error)
        if not decision.retry:
            run.push(ERROR_KEY, describe(error, self.attempts_made()))
            mark = self.tolerate(error)
            if mark is not None:
                self.log.warning("The step failed, and the run goes on: %s", error)
                self.skip(run, mark, f"tolerated: {decision.reason}")
        else:
            # Airflow has put this try into its history by the time it would take the rendered fields
            self.overwrite_rtif_after_execution = False
        policy = self.retry_policy
        if isinstance(policy, StepRetryPolicy):
            policy.remember(error, decision)
        self.log.error("%s", error)
        self.log.debug("It was raised here:\n%s", "".join(format_tb(error.__traceback__)))  # frames only, no values
        raise error.with_traceback(None) from None  # Airflow prints the frames under its own line; nobody wants ours
