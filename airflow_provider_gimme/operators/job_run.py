"""One submitted job as a task follows it on a worker: asked, fetched, cancelled, and handed to a trigger."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRuntimeError

from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.errors import GimmeError, JobTimeoutError, RunTimeoutError, StepError
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.http.calling import Terms
from airflow_provider_gimme.http.record import format_call
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.operators.headers import with_run
from airflow_provider_gimme.operators.job_record import JobRecord
from airflow_provider_gimme.operators.progress import PROGRESS_KEY
from airflow_provider_gimme.operators.shown import hide
from airflow_provider_gimme.plan.keys import idempotency_key
from airflow_provider_gimme.triggers.ask import Ask, Opened
from airflow_provider_gimme.triggers.insisting import TO_CANCEL, TO_CANCEL_AT_ONCE, insist
from airflow_provider_gimme.triggers.polling import Poller, Told
from airflow_provider_gimme.triggers.reading import JobReader
from airflow_provider_gimme.triggers.watch import Conditions, PollTerms, Watch

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.hooks.secrets import Secrets
    from airflow_provider_gimme.hooks.target import Target
    from airflow_provider_gimme.http.record import CallRecord
    from airflow_provider_gimme.http.request import Response
    from airflow_provider_gimme.http.sink import Sink
    from airflow_provider_gimme.operators.engine import Engine
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import StepPlan
    from airflow_provider_gimme.steps.job.plan import AskWork, JobWork

__all__ = ["JobRun", "is_wanted"]

_GRACE = timedelta(seconds=1)
_ON_THEIR_WAY = frozenset({"up_for_retry", "up_for_reschedule", "scheduled", "queued", None})
"""The states of a task whose next try comes; None is one that a new scheduler has taken from a dead one."""


def is_wanted(run: TaskRun) -> bool:
    """Say whether Airflow still wants a task that was told to stop: then the next try follows its job.

    One that was cleared or marked has a state that says so; one whose machine is shut down still runs for Airflow, or
    is on its way to the next try. Where Airflow does not answer, its supervisor is gone, and the task is started again.
    A try that Airflow took for dead, and has a later one for, does not find its record any more: the job is that one's.
    """
    try:
        state = run.states((run.task_id,)).get(run.task_id)
        if state in _ON_THEIR_WAY or (state == "running" and run.may_retry):
            return True
        return JobRecord.load(run.store, run.max_tries) is None
    except (AirflowRuntimeError, OSError, EOFError):
        return True


@dataclass
class JobRun:
    """One job."""

    work: JobWork
    step: StepPlan
    run: TaskRun
    scope: Scope
    record: JobRecord
    secrets: Secrets
    engine: Engine
    log: Any
    targets: list[Target] = field(default_factory=list)
    """Where calls about it went: what an answer repeats of their credentials is hidden in the output."""

    @cached_property
    def known(self) -> Scope:
        """The scope of the calls about the job: ``job``, and ``$`` is the submit's answer."""
        return self.scope.with_extra(job=self.record.known).with_root(self.record.response)

    @cached_property
    def reader(self) -> JobReader:
        """The conditions of the poll."""
        return JobReader(self.work.done_when, self.work.fail_when, self.work.progress, self.scope)

    @cached_property
    def terms(self) -> PollTerms:
        """How the job is polled."""
        return PollTerms(self.work.rhythm, self.step.retry, self.step.attempt_timeout, self.work.poll.call.statuses)

    def ask(self) -> Told:
        """Poll once, and show the progress that is told: what a trigger has shown is gone with a new try.

        :raises GimmeError: where the job cannot be followed any more.
        """
        opened = self._open(self._ask(self.work.poll))
        poller = Poller(opened, self.reader, self.terms, self.secrets.redactor, log=self.log)
        told = self.engine.run(poller.once(), self.step.attempt_timeout + _GRACE)
        if told.progress is not None:
            self.run.push(PROGRESS_KEY, hide(told.progress, self.secrets.redactor))
        return told

    def output(self, answer: Response) -> Any:
        """Return the step's output from the answer that said that the job is done, or from the call that fetches it.

        :raises CallError: where it cannot be fetched.
        """
        seen = answer.plain()
        scope = self.scope.with_extra(job=self.record.known, response=seen).with_root(seen["body"])
        if self.work.fetch is not None:
            seen = self._fetch(self.work.fetch, scope, answer.url).plain()
        credentials = (secret for target in self.targets for secret in target.credentials)  # now: tokens are among them
        return hide(self.work.output(scope, seen), Redactor(credentials))

    def overdue(self, told: Told) -> StepError | None:
        """Cancel the job where its time is up, and return the error that says so, and what the last poll told."""
        if datetime.now(UTC) < self.deadline[0]:
            return None
        try:
            self.run.time_left()
        except RunTimeoutError as used_up:
            return RunTimeoutError(f"{used_up}; {self.cancel()}")
        heard = "" if told.error is None else f"; the last poll told nothing: {told.error}"
        return JobTimeoutError(f"{self._name} was not over within {self.deadline[1]}; {self.cancel()}{heard}")

    @cached_property
    def deadline(self) -> tuple[datetime, str]:
        """When nobody waits for the job any longer, and by which limit."""
        limits = [(self.record.begun + self.work.timeout, f"'poll.timeout' of {format_duration(self.work.timeout)}")]
        if self.step.timeout is not None:
            limits.append((self.record.begun + self.step.timeout, f"'timeout' of {format_duration(self.step.timeout)}"))
        whole = self.run.plan.workflow.timeout
        if whole is not None:
            limits.append((self.run.began + whole, f"the run's timeout of {format_duration(whole)}"))
        return min(limits)

    def cancel(self, *, last: bool = False) -> str:
        """Cancel the job if it was not cancelled before, and say in words what became of it.

        ``last`` is where Airflow ends the task: one attempt, and not for long.
        """
        if self.work.cancel is None:
            return f"{self._name} may still run: the file has no 'cancel'"
        if self.record.cancelled:
            return f"{self._name} was cancelled"
        try:
            opened = self._open(self._ask(self.work.cancel, key=self._key("cancel")))
            self._insist(opened, TO_CANCEL_AT_ONCE if last else replace(TO_CANCEL, timeout=self.step.attempt_timeout))
        except GimmeError as error:
            return f"{self._name} could not be cancelled ({error}) and may still run"
        try:
            self.record = self.record.keep_cancelled(self.run.store)
        except AirflowRuntimeError:
            self.log.info("Airflow does not take what is known of the cancelled job: the task is not its any more")
        return f"{self._name} was cancelled"

    def watch(self, begin: datetime) -> Watch:
        """Return what a trigger needs to wait for the job; ``begin`` is when the next poll is due."""
        cancel = None
        if self.work.cancel is not None:
            cancel = self._ask(self.work.cancel, key=self._key("cancel"))
        run = self.run
        return Watch(
            file=run.plan.file,
            dag_id=run.dag_id,
            run_id=run.run_id,
            task_id=run.task_id,
            series=self.record.key,
            poll=self._ask(self.work.poll),
            cancel=cancel,
            conditions=self._conditions(),
            terms=self.terms,
            begin=begin,
            deadline=self.deadline[0],
            conceal=self.step.config.sensitive,
        )

    def _ask(self, work: AskWork, scope: Scope | None = None, key: str | None = None) -> Ask:
        finish = partial(with_run, run_id=self.run.run_id, scheduled=self.run.scheduled)
        return Ask.of(work, replace(scope or self.known, secret=self.secrets), key, finish)

    def _open(self, ask: Ask) -> Opened:
        opened = ask.open(self.secrets)
        self.targets.append(opened.target)
        return opened

    def _fetch(self, work: AskWork, scope: Scope, source: str) -> Response:
        path = work.call.saved_path(scope)
        sink = None if path is None else Storage.of(self.run.dag_id).writer(path)
        terms = Terms(rules=replace(self.step.retry, safe_only=False), timeout=self.work.fetch_limit)
        return self._insist(self._open(self._ask(work, scope)), terms, source, sink)

    def _insist(self, opened: Opened, terms: Terms, source: str | None = None, sink: Sink | None = None) -> Response:
        call = insist(opened, self.secrets.redactor, terms, source=source, sink=sink, on_call=self._tell)
        return self.engine.run(call)

    def _key(self, what: str) -> str:
        run = self.run
        return idempotency_key(run.dag_id, run.run_id, run.task_id, run.max_tries, f"job.{what}")

    def _conditions(self) -> Conditions:
        work, scope = self.work, self.scope
        compiled = [each for each in (work.done_when, work.fail_when, work.progress) if each is not None]
        references = [reference for each in compiled for reference in each.references]
        kinds = {reference.kind for reference in references}
        return Conditions(
            work.done_when.source,
            None if work.fail_when is None else work.fail_when.source,
            None if work.progress is None else work.progress.source,
            scope.inputs if "input" in kinds else {},
            scope.variables if "variable" in kinds else {},
            bool(kinds & {"function", "filter"}),
        )

    @property
    def _name(self) -> str:
        return "the job" if self.record.id is None else f"job {self.record.id}"

    def _tell(self, record: CallRecord) -> None:
        self.log.info("%s", format_call(record))
