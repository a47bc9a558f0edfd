"""The task of a ``workflow`` step: it starts a run of another workflow once, and goes on when that has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import TriggerDagRun

from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.errors import ChildError, GimmeError
from airflow_provider_gimme.operators.failure import ERROR_KEY
from airflow_provider_gimme.operators.fields import OUTCOME
from airflow_provider_gimme.operators.result import OUTPUTS_KEY, child_run_id
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.step import StepTask
from airflow_provider_gimme.triggers.child import ChildTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.steps.workflow.plan import WorkflowWork

__all__ = ["StepOperator"]

_CHILD_KEY = "child_run"
"""The XCom key of the run that was started: its workflow and its id."""

_BEGUN = "child"
"""The key of the task's state that holds when the run of a series was started."""


class StepOperator(StepTask):
    """Start a run of another workflow and wait for it.

    The run's id is made of this run, this task and its series: a try after a crash finds the run that was started
    before, and a cleared task starts another one.
    """

    custom_operator_name = "workflow"
    ui_color = "#d9e6e2"

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Start the run, where it is not there yet, and leave the worker."""
        work, child = self._work, self._child(run)
        if not run.ti.get_dr_count(dag_id=work.dag_id, run_ids=[child]):
            inputs = work.inputs.evaluate(scope)
            conf = inputs if self.sensitive is None else self.sensitive.without(inputs)
            note = f"Started by step '{run.task_id}' of {run.dag_id}, run {run.run_id}"
            self._start(TriggerDagRun(dag_id=work.dag_id, run_id=child, conf=conf, note=note))
            self.log.info("Started run %s of workflow %s", child, work.dag_id)
        run.push(_CHILD_KEY, {"workflow": work.dag_id, "run_id": child})
        return self._wait(run)

    def resume(self, context: Context, event: Any = None) -> Any:  # noqa: ARG002 - the run itself is asked
        """Go on once the trigger has ended."""
        run = TaskRun.of(context, self.plan)
        try:
            self.begin(run)
            return self.keep(self._wait(run))
        except GimmeError as error:
            self._end(run, error)

    def may_be_done(self, run: TaskRun, error: GimmeError) -> bool:  # noqa: ARG002 - the run that was started counts
        """Say whether the other workflow's run was started."""
        return run.pull(run.task_id, _CHILD_KEY) is not None

    @property
    def _work(self) -> WorkflowWork:
        work: WorkflowWork = self.step.work  # type: ignore[assignment]
        return work

    def _child(self, run: TaskRun) -> str:
        return child_run_id(run.dag_id, run.run_id, run.task_id, run.max_tries)

    def _start(self, message: TriggerDagRun) -> None:
        """Start the run; one that is there already was started by a try that died.

        :raises ChildError: where Airflow refuses, with its reason.
        """
        try:
            task_runner.SUPERVISOR_COMMS.send(message)
        except AirflowRuntimeError as error:
            detail = error.error.detail or {}
            status = detail.get("status_code")
            if status == 404:
                raise ChildError(f"there is no workflow '{message.dag_id}' in Airflow. Check its name.") from None
            raise ChildError(f"workflow '{message.dag_id}' cannot be started: {detail or error}") from None

    def _wait(self, run: TaskRun) -> Any:
        """Return the outputs of the run where it has ended; else leave the worker.

        :raises ChildError: where it has failed, or is not over in time.
        """
        dag_id, child = self._work.dag_id, self._child(run)
        found = run.ti.get_dagrun_state(dag_id, child)
        state = str(getattr(found, "value", found))
        if state not in {"success", "failed"}:
            self.defer(trigger=ChildTrigger(dag_id, child, self._until(run)), method_name="resume")
        if state == "failed":
            told = _pull(run, dag_id, child, ERROR_KEY) or {}
            raise ChildError(
                f"workflow '{dag_id}' failed, in its run {child}: {told.get('message', 'it does not say why')}"
            )
        return _pull(run, dag_id, child, OUTPUTS_KEY)

    def _until(self, run: TaskRun) -> datetime | None:
        """Return until when the run is waited for.

        :raises ChildError: where that time is over.
        """
        begun = run.store.get(_BEGUN)
        if begun is None or begun["max_tries"] != run.max_tries:
            begun = {"max_tries": run.max_tries, "at": datetime.now(UTC).isoformat()}
            run.store.set(_BEGUN, begun)
        now, left = datetime.now(UTC), run.time_left()
        ends = [] if left is None else [now + left]
        if self.step.timeout is not None:
            ends.append(datetime.fromisoformat(begun["at"]) + self.step.timeout)
            if ends[-1] <= now:
                said = f"was not over within {format_duration(self.step.timeout)}; it goes on without being waited for"
                raise ChildError(f"the run {self._child(run)} of workflow '{self._work.dag_id}' {said}")
        return min(ends, default=None)


def _pull(run: TaskRun, dag_id: str, child: str, key: str) -> Any:
    """Return what the last task of another run has left."""
    return run.ti.xcom_pull(dag_id=dag_id, run_id=child, task_ids=OUTCOME, key=key, map_indexes=None)
