"""The task of an ``api_call`` step: one HTTP call."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.http.operators.http import HttpOperator

from airflow_provider_gimme.errors import CallTimeoutError, RunTimeoutError
from airflow_provider_gimme.hooks.resuming import Waiting, resume_url
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.hooks.target import find_target
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.retry import Decision
from airflow_provider_gimme.operators.call import Call
from airflow_provider_gimme.operators.fallback import FallbackTask
from airflow_provider_gimme.operators.fanning import call_items
from airflow_provider_gimme.operators.headers import with_run
from airflow_provider_gimme.operators.paging import read_pages
from airflow_provider_gimme.operators.shown import hide, show_request
from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from airflow_provider_gimme.errors import GimmeError
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.hooks.target import Target
    from airflow_provider_gimme.http.request import Response
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan.call import CallWork
    from airflow_provider_gimme.plan.for_each import ItemsPlan

__all__ = ["StepOperator"]


class StepOperator(FallbackTask, HttpOperator):
    """Make one HTTP call.

    It is an ``HttpOperator`` to Airflow, of which it uses neither the call nor the templates: what Airflow would render
    are our own expressions. Its one template field is the request as it was sent, without secrets.
    """

    custom_operator_name = "api_call"
    ui_color = "#d7e8fb"

    tokens: frozenset[str] = frozenset()
    """The tokens of the resume URLs that its call tells; an answer that repeats them is kept without them."""

    def read(self, run: TaskRun) -> Scope:
        """Return what the step's expressions are evaluated over; ``run.attempt`` is that of the call."""
        step = self.plan.by_id[self.step.task_id]
        self.call = Call.load(run, step.retry, self.engine, self.redactor, self.log, on_crash=step.on_crash)
        self.step = step.entries[self.call.attempts.entry]
        self.call.rules = self.step.retry
        scope = replace(super().read(run), run=run.info(self.call.upcoming))
        return scope.with_extra(resume_urls=self._resume_urls(run)) if self.step.resumes else scope

    def produce(self, run: TaskRun, scope: Scope) -> Any:
        """Return the step's output; the items of a list have their fallbacks each."""
        each: ItemsPlan | None = getattr(self.step.work, "each", None)
        if each is not None and self.call is not None:
            return call_items(self, self.call, run, scope, each, show=self._show)
        return super().produce(run, scope)

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Make one attempt of the call, and return its output."""
        work: CallWork = self.step.work  # type: ignore[assignment]
        if work.pages is not None and self.call is not None:
            return read_pages(self, self.call, run, scope, work, show=self._show)
        response, target = self.send(run, scope, work)
        if self.step.config.sensitive and self.sensitive is not None:
            self.sensitive.learn(response.data())
        output = work.output(scope, response)
        secrets = {*target.credentials, *self.tokens}
        return hide(output, Redactor(secrets)) if secrets else output

    def send(self, run: TaskRun, scope: Scope, work: CallWork) -> tuple[Response, Target]:
        """Make one attempt of the call; return its answer, and where it went."""
        call = self.call
        if call is None:
            raise RuntimeError("a call is loaded before it is made")
        target = find_target(work.service, scope, self.secrets)
        item = f"fallback.{self.entry}" if self.entry else None
        tries = run.max_tries if self.fixed_tries is None else self.fixed_tries
        key = work.key(scope, idempotency_key(run.dag_id, run.run_id, run.task_id, tries, item))
        rendered = work.render(scope, target.base_url, key, lambda saved: Storage.of(run.dag_id).file(saved))
        request = with_run(rendered, run.run_id, scheduled=run.scheduled)
        self.request = show_request(request, self.redactor)
        path = work.saved_path(scope)
        sink = None if path is None else Storage.of(run.dag_id).writer(path)
        try:
            response = call.send(
                request,
                target,
                work.accepts,
                self.step.attempt_timeout,
                run.time_left(self.step.timeout),
                sink=sink,
                read_timeout=work.read_timeout,
                judge=work.outcome.judge(scope),
                called=self.step.attempt_limit,
            )
        except CallTimeoutError:
            self._check_run(run, call)
            raise
        return response, target

    def decide(self, run: TaskRun, error: GimmeError) -> Decision:
        """Decide by the rules of the call whether it is made again; a page or an item has had its own attempts."""
        if getattr(self.step.work, "each", None) is not None:
            reason = "each item had its attempts; clear the task to call again for those that failed"
        elif getattr(self.step.work, "pages", None) is not None:
            reason = "a page had its attempts; clear the task to begin anew"
        else:
            return super().decide(run, error)
        return Decision(retry=False, wait=timedelta(0), reason=reason)

    def may_be_done(self, run: TaskRun, error: GimmeError) -> bool:  # noqa: ARG002 - all attempts count
        """Say whether the server may have done what one of the attempts asked for; of items and pages, some."""
        work = self.plan.by_id[self.step.task_id].work
        many = any(getattr(work, kind, None) is not None for kind in ("each", "pages"))
        return many or (self.call is not None and self.call.attempts.reached)

    def _resume_urls(self, run: TaskRun) -> dict[str, str]:
        """Return the URLs that resume the waiting steps; their tokens are secrets."""
        found = {name: resume_url(Waiting(run.dag_id, run.run_id, name)) for name in self.step.resumes}
        self.tokens = frozenset(token for _, token in found.values())
        for token in self.tokens:
            self.secrets.hide(token)
        return {name: url for name, (url, _) in found.items()}

    def _show(self, request: dict[str, Any]) -> None:
        self.request = request

    def _check_run(self, run: TaskRun, call: Call) -> None:
        """Raise the run's own error where it is the run's time that is up."""
        try:
            run.time_left()
        except RunTimeoutError as used_up:
            call.give_up(str(used_up))
            raise
