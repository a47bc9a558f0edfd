"""The task of a ``wait`` step: it leaves the worker until its moment has come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.errors import GimmeError, WaitError
from airflow_provider_gimme.operators.fields import EVENT_STATE, RESUME
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.step import StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.steps.wait.plan import WaitWork

__all__ = ["StepOperator"]

_WAIT = "wait"
"""The key of the task's state that holds when the wait of a series began and ends, whatever dies in between."""


class StepOperator(StepTask):
    """Wait in the triggerer; the output tells from when to when."""

    custom_operator_name = "wait"
    ui_color = "#eeeeee"

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Wait until the moment that the first try of the series has found, or for an event."""
        if self._work.event is not None:
            return self._await(run, self._work.event.evaluate(scope))
        begun = self._begun(run)
        if begun is None:
            now = datetime.now(UTC)
            end = self._work.end(scope, now, self.plan.timezone).astimezone(UTC)
            begun = {"max_tries": run.max_tries, "from": now.isoformat(), "until": end.isoformat()}
            run.store.set(_WAIT, begun)
        return self._wait(run, begun)

    def resume(self, context: Context, event: Any = None) -> Any:  # noqa: ARG002 - the clock tells
        """Go on once the trigger has ended."""
        run = TaskRun.of(context, self.plan)
        try:
            self.begin(run)
            return self.keep(self._wait(run, self._begun(run) or {}))
        except GimmeError as error:
            self._end(run, error)

    def resumed(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on once the event has happened, somebody has said so on Airflow's page, or the time is over."""
        run = TaskRun.of(context, self.plan)
        try:
            self.begin(run)
            told = self._happened(run)
            if told is None and "error" in event:
                run.time_left()
                within = "" if self.step.timeout is None else f" within {format_duration(self.step.timeout)}"
                raise WaitError(f"what it waits for did not happen{within}: nobody used its resume URL")
            if told is None:
                told = {"data": None, "at": str(event["responded_at"]), "by": event["responded_by_user"]}
            return self.keep(told)
        except GimmeError as error:
            self._end(run, error)

    @property
    def _work(self) -> WaitWork:
        work: WaitWork = self.step.work  # type: ignore[assignment]
        return work

    def _await(self, run: TaskRun, what: str) -> Any:
        """Return what has happened already; else leave the worker until it does."""
        if (told := self._happened(run)) is not None:
            return told
        shown = what if self.sensitive is None else self.sensitive.without(what)
        upsert_hitl_detail(ti_id=run.ti.id, options=[RESUME], subject=shown, params={}, assigned_users=[])
        if (told := self._happened(run)) is not None:  # it happened in between
            return told
        self.log.info("Waiting for an event: %s", shown)
        raise TaskAwaitingInput(method_name="resumed", timeout=run.time_left(self.step.timeout))

    def _happened(self, run: TaskRun) -> dict[str, Any] | None:
        """Return what has happened, as an output, and note that this series has taken it."""
        found = run.store.get(EVENT_STATE)
        if found is None or found["series"] not in {None, run.max_tries}:
            return None
        run.store.set(EVENT_STATE, {**found, "series": run.max_tries})
        return {"data": found["data"], "at": found["at"], "by": None}

    def _begun(self, run: TaskRun) -> dict[str, Any] | None:
        found: dict[str, Any] | None = run.store.get(_WAIT)
        return found if found is not None and found["max_tries"] == run.max_tries else None

    def _wait(self, run: TaskRun, begun: dict[str, Any]) -> dict[str, Any]:
        """Return the output where the wait is over; else leave the worker, no longer than the run may take."""
        end, now = datetime.fromisoformat(begun["until"]), datetime.now(UTC)
        if end > now:
            left = run.time_left()
            moment = end if left is None else min(end, now + left)
            self.log.info("Waiting until %s", end.astimezone(self.plan.timezone).isoformat(timespec="seconds"))
            self.defer(trigger=DateTimeTrigger(moment=moment), method_name="resume")
        return {"from": begun["from"], "until": begun["until"]}
