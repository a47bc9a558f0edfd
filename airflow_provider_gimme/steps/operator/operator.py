"""The task of an ``operator`` step: it makes another operator, and runs that in its own place."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from random import SystemRandom
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import get_current_context
from airflow.sdk.bases.operator import BaseOperator, ExecutorSafeguard
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskAwaitingInput,
    TaskDeferralError,
    TaskDeferralTimeout,
    TaskDeferred,
)

from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.errors import GimmeError, OperatorError, StepError
from airflow_provider_gimme.hooks.settings import read_setting
from airflow_provider_gimme.http.retry import again
from airflow_provider_gimme.operators.attempts import DONE, AttemptRecord, Attempts
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.step import StepTask
from airflow_provider_gimme.plan.site import Site

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.http.retry import Decision
    from airflow_provider_gimme.steps.operator.plan import OperatorWork

__all__ = ["StepOperator", "find_operator"]


class StepOperator(StepTask):
    """Run another operator: its arguments rendered by us, its failures, waits and skips made those of the step."""

    custom_operator_name = "operator"
    ui_color = "#ece2d0"

    inner: BaseOperator | None = None
    attempts: Attempts | None = None

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Make the operator and execute it."""
        inner = self._make(scope)
        attempts = Attempts.load(run.store, run.max_tries)
        if attempts.crashed and not self.step.on_crash:
            raise StepError(
                "the process died while the operator ran, so nobody knows whether it was done, and 'on_crash' is "
                "false. Look whether it was, and clear the task to run it again."
            )
        self.attempts = attempts.begin()
        sentinel = {f"{type(inner).__name__}__sentinel": ExecutorSafeguard.sentinel_value}
        context = get_current_context()
        return self._run(run, lambda: inner.execute(context, **sentinel))

    def resume(self, context: Context, event: Any = None, *, method: str, arguments: dict[str, Any]) -> Any:
        """Go on with the method that the operator has named when it left the worker."""
        run = TaskRun.of(context, self.plan)
        try:
            self.begin(run)
            resumed = getattr(self._make(self.read(run)), method)
            self.attempts = Attempts.load(run.store, run.max_tries)
            return self.keep(self._run(run, lambda: resumed(context, event=event, **arguments)))
        except GimmeError as error:
            self._end(run, error)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a wait; a trigger that failed is a failure of the operator."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            problem = OperatorError("the operator's wait was not over in time")
        except TaskDeferralError as error:
            problem = OperatorError(f"the operator's trigger failed: {error}")
        run = TaskRun.of(context, self.plan)
        self.attempts = Attempts.load(run.store, run.max_tries)
        return self._end(run, problem)

    def on_kill(self) -> None:
        """Let the operator stop what it has begun."""
        if self.inner is not None:
            self.inner.on_kill()
        super().on_kill()

    def decide(self, run: TaskRun, error: GimmeError) -> Decision:
        """Try a failure of the operator again as the step's ``retry`` says."""
        if self.attempts is None or not isinstance(error, OperatorError) or error.final:
            return super().decide(run, error)
        attempts, random = self.attempts, SystemRandom().random
        decision = again(
            self.step.retry,
            "the operator failed",
            retries_used=attempts.failed,
            elapsed=attempts.elapsed,
            random=random,
        )
        wait = decision.wait.total_seconds() if decision.retry else None
        self.attempts = attempts.end(AttemptRecord(reason=decision.reason, wait_seconds=wait), failed=True)
        return decision

    def attempts_made(self) -> int:
        """Return how many times the operator was run."""
        return 0 if self.attempts is None else self.attempts.made

    def may_be_done(self, run: TaskRun, error: GimmeError) -> bool:  # noqa: ARG002 - what it did, nobody knows
        """Say whether the operator was run at all."""
        return self.attempts is not None

    @property
    def _work(self) -> OperatorWork:
        work: OperatorWork = self.step.work  # type: ignore[assignment]
        return work

    def _make(self, scope: Scope) -> BaseOperator:
        """Return the operator with its arguments.

        :raises StepError: where it is not allowed or not there, or does not take them.
        """
        found = find_operator(self._work.path)
        try:
            self.inner = found(task_id=self.task_id, **self._work.args.evaluate(scope))
        except (TypeError, ValueError, AirflowException) as error:
            problem = StepError(f"'args' is not what {self._work.path} takes: {error}")
        else:
            return self.inner
        raise problem

    def _run(self, run: TaskRun, work: Callable[[], Any]) -> Any:
        """Return what the operator gives; what it raises becomes ours."""
        try:
            output = work()
        except TaskDeferred as waits:
            self._defer(waits)
        except AirflowSkipException as skipped:
            self.skip(run, "operator", f"the operator skips: {skipped}")
        except (TaskAwaitingInput, AirflowRescheduleException):
            raise StepError(
                f"{self._work.path} waits in a way that is not possible inside a step. Write 'deferrable: true' or "
                "'mode: poke' among its 'args', or 'type: approval'."
            ) from None
        except AirflowTaskTimeout:
            self.on_kill()
            limit = "" if self.step.timeout is None else f" of {format_duration(self.step.timeout)}"
            problem = OperatorError(f"it was not done within the step's 'timeout'{limit}")
        except Exception as error:
            self.log.warning("The operator's own error:", exc_info=error)
            problem = OperatorError(f"{type(error).__name__}: {error}")
            problem.final = isinstance(error, AirflowFailException)
        else:
            return self._output(output)
        raise problem

    def _defer(self, waits: TaskDeferred) -> NoReturn:
        if self.attempts is not None:
            self.attempts = self.attempts.end(AttemptRecord(reason="waiting, without a worker"), failed=False)
        told = {"method": waits.method_name, "arguments": dict(waits.kwargs or {})}
        raise TaskDeferred(trigger=waits.trigger, method_name="resume", kwargs=told, timeout=waits.timeout)

    def _output(self, output: Any) -> Any:
        """Return what the operator gave as plain data; what JSON does not know becomes text."""
        if self.attempts is not None:
            self.attempts = self.attempts.end(AttemptRecord(reason=DONE), failed=False)
        return json.loads(json.dumps(output, default=str))


def find_operator(path: str) -> type[BaseOperator]:
    """Return the class of an operator that the site allows.

    :raises StepError: where it is not allowed, or there is none.
    """
    site = Site.read(partial(read_setting, "gimme"))
    if (refusal := site.refusal(path)) is not None:
        raise StepError(refusal)
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise StepError(f"there is no operator '{path}' on this worker: {error}") from None
    if not (isinstance(found, type) and issubclass(found, BaseOperator)):
        raise StepError(f"'{path}' is no operator of Airflow. Name a class that is one.")
    return found
