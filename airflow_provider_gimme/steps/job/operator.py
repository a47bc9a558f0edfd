"""The task of a ``job`` step: it submits and fetches; the waiting is done by a trigger, without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import ExpressionError, GimmeError, JobError
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.operators.base import WorkflowTask
from airflow_provider_gimme.operators.job_record import JobRecord
from airflow_provider_gimme.operators.job_run import JobRun, is_wanted
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.shown import hide
from airflow_provider_gimme.steps.api_call import operator as api_call
from airflow_provider_gimme.triggers.job import JOB_KEY, JobTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.hooks.target import Target
    from airflow_provider_gimme.http.request import Response
    from airflow_provider_gimme.http.retry import Decision
    from airflow_provider_gimme.plan import Plan, StepPlan
    from airflow_provider_gimme.steps.job.plan import JobWork

__all__ = ["StepOperator"]


class StepOperator(api_call.StepOperator):
    """Submit a job once, wait for it in the triggerer, fetch its result.

    What is known of the job is in the task's state as soon as it was submitted: whatever dies afterwards, the next try
    follows this job. The trigger's event only wakes the task, which asks the job itself.
    """

    custom_operator_name = "job"
    ui_color = "#e6ddf7"

    def __init__(self, *, plan: Plan, step: StepPlan, **kwargs: Any) -> None:
        """Make the task of a ``job`` step."""
        super().__init__(plan=plan, step=step, **kwargs)
        self.job: JobRun | None = None
        self.submitted = False
        self.killed = False

    def execute(self, context: Context) -> Any:
        """Submit the job, or follow the one of an earlier try; Airflow gets the output or a trigger."""
        return self._attend(context, self.work)

    def resume(self, context: Context, event: Any = None) -> Any:
        """Go on once the trigger has ended."""
        self.log.info("The trigger has ended: %s", event.get("told") if isinstance(event, dict) else event)
        return self._attend(context, self.work)

    def work(self, run: TaskRun) -> Any:
        """Follow the job of this series, where there is one; else submit one."""
        record = JobRecord.load(run.store, run.max_tries)
        if record is None:
            return super().work(run)
        self.submitted = True
        self.request = None if record.request is None else dict(record.request)
        self.begin(run)
        return self.keep(self._follow(run, self._known(run, self.read(run), record)))

    def may_be_done(self, run: TaskRun, error: GimmeError) -> bool:
        """Say whether the job was submitted, or may have been."""
        return self.submitted or super().may_be_done(run, error)

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Submit the job and wait for it, or return the output where it is over already."""
        work, begun = self.job_work, datetime.now(UTC)
        answer, target = self.send(run, scope, work.submit)
        self.submitted = True
        self._learn(answer)
        body = hide(answer.data(), Redactor(target.credentials))
        if work.asks_submit and (output := self._at_once(run, scope, answer, target)) is not None:
            return output[0]
        known = scope.with_extra(response=answer.plain()).with_root(body)
        found = None if work.id is None else work.id.evaluate(known)
        if work.id is not None and found in (None, ""):
            raise JobError(f"the submit's answer does not name a job: 'id' ({work.id.source}) is {found!r}")
        record = JobRecord.of(run, found, body if work.keeps_response else None, begun, self.request)
        record.keep(run.store)
        self.log.info("The job %s was submitted", "" if found is None else found)
        return self._wait(run, self._known(run, scope, record), work.rhythm.wait(1))

    def decide(self, run: TaskRun, error: GimmeError) -> Decision:
        """Decide by the rules of the call as long as the job is not submitted; what comes after is tried in process."""
        return WorkflowTask.decide(self, run, error) if self.submitted else super().decide(run, error)

    def _fall_back(self, run: TaskRun, scope: Scope, error: GimmeError) -> Scope:
        """Turn to the next submit, unless one was accepted: what fails then is the job."""
        if self.submitted:
            raise error
        return super()._fall_back(run, scope, error)

    def on_kill(self) -> None:
        """Stop what runs; what is cancelled is cancelled by the work itself, once it has stopped."""
        self.killed = True
        super().on_kill()

    @property
    def job_work(self) -> JobWork:
        """What the step does, compiled."""
        work: JobWork = self.step.work  # type: ignore[assignment]
        return work

    def _attend(self, context: Context, work: Callable[[TaskRun], Any]) -> Any:
        run = TaskRun.of(context, self.plan)
        try:
            return work(run)
        except GimmeError as error:
            self._end(run, error)
        except asyncio.CancelledError:
            if self.job is not None and self.killed and not is_wanted(run):
                self.log.info("%s", self.job.cancel(last=True))
            raise

    def _known(self, run: TaskRun, scope: Scope, record: JobRecord) -> JobRun:
        self.job = JobRun(self.job_work, self.step, run, scope, record, self.secrets, self.engine, self.log)
        return self.job

    def _follow(self, run: TaskRun, job: JobRun) -> Any:
        """Ask the job once: return its output, or wait on."""
        try:
            told = job.ask()
            overdue = None if told.answer is not None and told.state in {"done", "failed"} else job.overdue(told)
        except GimmeError:
            self.log.warning("The job is given up; %s", job.cancel())
            raise
        if overdue is not None:
            raise overdue
        if told.answer is None or told.state in {"running", "unknown"}:
            return self._wait(run, job, told.wait)
        self.job = None  # it is over: nothing is left to cancel
        if told.state == "failed":
            raise JobError(self._why_failed(job.record.id, told.answer))
        self._learn(told.answer)
        return job.output(told.answer)

    def _wait(self, run: TaskRun, job: JobRun, wait: timedelta) -> Any:
        """Leave the worker; the trigger calls :meth:`resume` in the end."""
        trigger = JobTrigger(job.watch(datetime.now(UTC) + wait).to_json())
        run.push(JOB_KEY, {"id": job.record.id, "key": job.record.key})
        if self.killed:
            raise asyncio.CancelledError("Airflow ended the task")
        self.defer(trigger=trigger, method_name="resume")

    def _at_once(self, run: TaskRun, scope: Scope, answer: Response, target: Target) -> tuple[Any] | None:
        """Return the output where the submit's own answer says that the job is done."""
        record = JobRecord.of(run, None, hide(answer.data(), Redactor(target.credentials)), datetime.now(UTC), None)
        job = JobRun(self.job_work, self.step, run, scope, record, self.secrets, self.engine, self.log, [target])
        try:
            state = job.reader.state(answer)
        except ExpressionError:
            return None
        if state == "failed":
            raise JobError(self._why_failed(None, answer))
        return (job.output(answer),) if state == "done" else None

    def _learn(self, answer: Response) -> None:
        """Make a secret of what a sensitive step is answered."""
        if self.step.config.sensitive and self.sensitive is not None:
            self.sensitive.learn(answer.data())

    def _why_failed(self, job_id: Any, answer: Response) -> str:
        name = "the job" if job_id is None else f"job {job_id}"
        if self.step.config.sensitive:
            return f"{name} has failed"
        return f"{name} has failed: {answer.shown} answered {answer.text()[:500]}"
