"""The trigger that waits for a job."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_gimme.errors import GimmeError
from airflow_provider_gimme.hooks.functions import read_site_functions
from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.http.record import CallRecord, format_call
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.triggers.ask import Ask, Opened
from airflow_provider_gimme.triggers.insisting import TO_CANCEL, insist
from airflow_provider_gimme.triggers.polling import Poller
from airflow_provider_gimme.triggers.reading import JobReader
from airflow_provider_gimme.triggers.watch import Watch

__all__ = ["JOB_KEY", "PROGRESS_KEY", "JobTrigger"]

JOB_KEY = "job"
"""The XCom key of what is known of a job: ``id``, and the ``key`` of its submit."""

PROGRESS_KEY = "progress"
"""The XCom key of a job's progress."""

_PATIENCE_SECONDS = 10
"""How long Airflow is waited for when the task was ended: it gives thirty seconds in all."""

_GIVING_UP: set[asyncio.Task[None]] = set()
"""What goes on after its trigger: an event loop alone does not keep what runs in it."""


class JobTrigger(BaseTrigger):
    """Poll a job until it is over; cancel it when somebody ends the task meanwhile.

    The event says only that the waiting is over: the task asks the job once more itself, so that no answer goes through
    Airflow's tables. No secret is in the trigger's arguments either; they are resolved where it runs.
    """

    def __init__(self, watch: Mapping[str, Any]) -> None:
        """Wait for what :meth:`Watch.to_json` has described."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.watch = Watch.from_json(watch)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, as Airflow keeps them."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"watch": self.watch.to_json()}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the job is over, the time is up, or a poll cannot succeed."""
        watch = self.watch
        try:
            opened, reader = await asyncio.to_thread(self._prepare)
            poller = Poller(opened, reader, watch.terms, self.redactor, log=self.log)
            told = await poller.until_over(watch.begin, watch.deadline, self._show)
            ended = "timeout" if told is None else str(told.state)
        except GimmeError as error:
            self.log.warning("The job cannot be polled: %s", self.redactor.redact(str(error)))
            ended = "error"
            await self._rest()
        yield TriggerEvent({"told": ended})

    async def _rest(self) -> None:
        """Wait until the next poll is due: a task that can poll where this trigger cannot would be back at once."""
        due = min(self.watch.begin, self.watch.deadline) - datetime.now(UTC)
        await asyncio.sleep(max(0.0, due.total_seconds()))

    async def on_kill(self) -> None:
        """Cancel the job; Airflow calls it when somebody has ended the task, and when the trigger has moved.

        Airflow tells a trigger that it is to end again and again until it has, which cancels what it waits for here.
        """
        work = asyncio.create_task(self._give_up())
        _GIVING_UP.add(work)
        work.add_done_callback(_GIVING_UP.discard)
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(work)

    async def _give_up(self) -> None:
        cancel = self.watch.cancel
        if cancel is None:
            self.log.warning("The job may still run: the file has no 'cancel'")
            return
        if await self._is_waited_for():
            self.log.info("The job goes on: it is waited for elsewhere")
            return
        try:
            opened = await asyncio.to_thread(self._open, cancel)
            await insist(opened, self.redactor, TO_CANCEL, on_call=self._tell)
        except GimmeError as error:
            self.log.warning("The job could not be cancelled: %s", self.redactor.redact(str(error)))
        else:
            self.log.info("The job was cancelled")

    @cached_property
    def redactor(self) -> Redactor:
        """What hides the secrets that this trigger has seen."""
        redactor = Redactor()
        redactor.conceal = self.watch.conceal
        return redactor

    def _prepare(self) -> tuple[Opened, JobReader]:
        conditions = self.watch.conditions
        return self._open(self.watch.poll), conditions.reader(read_site_functions() if conditions.functions else None)

    def _open(self, ask: Ask) -> Opened:
        return ask.open(Secrets.of_file(self.watch.file, self.redactor))

    def _tell(self, record: CallRecord) -> None:
        self.log.info("%s", format_call(record))

    async def _show(self, progress: Any) -> None:
        """Show how far the job is: in the log, and as the task's XCom."""
        shown = json.loads(self.redactor.redact(json.dumps(progress, ensure_ascii=False)))
        self.log.info("Progress: %s", shown)
        await asyncio.to_thread(self._push, shown)

    def _push(self, progress: Any) -> None:
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.xcom import XCom

        try:
            XCom.set(PROGRESS_KEY, progress, **self.watch.where)
        except AirflowRuntimeError as error:
            self.log.warning("The progress could not be kept: %s", error)

    async def _is_waited_for(self) -> bool:
        """Say whether the task still waits for this very job: then it was the trigger that went, not the task."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._look_for_task), _PATIENCE_SECONDS)
        except TimeoutError:
            self.log.warning("Airflow does not say in time what became of the task")
            return False

    def _look_for_task(self) -> bool:
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
        from airflow.sdk.execution_time.xcom import XCom

        where = self.watch.where
        try:
            found = RuntimeTaskInstance.get_task_states(
                where["dag_id"], task_ids=[where["task_id"]], run_ids=[where["run_id"]]
            )
            state = found.get(where["run_id"], {}).get(where["task_id"])
            if str(getattr(state, "value", state)) != "deferred":
                return False
            job = XCom.get_one(key=JOB_KEY, **where)
        except AirflowRuntimeError as error:
            self.log.warning("Airflow does not say what became of the task: %s", error)
            return False
        return isinstance(job, Mapping) and job.get("key") == self.watch.series
