"""One task of one run, as far as our tasks need Airflow: states, XComs, times, the run's conf."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.errors import RunTimeoutError
from airflow_provider_gimme.operators.failure import ERROR_KEY, SKIP_KEY
from airflow_provider_gimme.operators.inputs_schema import effective_inputs
from airflow_provider_gimme.operators.window import window_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.expressions import RunInfo
    from airflow_provider_gimme.operators.attempts import StateStore
    from airflow_provider_gimme.plan import Plan

__all__ = ["OUTPUT_KEY", "TaskRun"]

OUTPUT_KEY = "return_value"
"""The XCom key of a step's output."""

_NAMED_TASKS = 100


@dataclass(frozen=True)
class TaskRun:
    """One task of one run of a workflow."""

    plan: Plan
    ti: Any
    dag_run: Any
    store: StateStore
    limited: bool = True
    """Whether the run's ``timeout`` holds for the task: what comes after the steps runs all the same."""

    @classmethod
    def of(cls, context: Context, plan: Plan) -> TaskRun:
        """Return the run that a task is executed in."""
        return cls(plan, context["ti"], context["dag_run"], context["task_state_store"])

    @cached_property
    def dag_id(self) -> str:
        """The Dag's id."""
        return str(self.ti.dag_id)

    @cached_property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.ti.run_id)

    @cached_property
    def task_id(self) -> str:
        """The task's id."""
        return str(self.ti.task_id)

    def of_task(self, task_id: str) -> TaskRun:
        """Return this run as another of its tasks sees it, for what is named after that."""
        other = replace(self)
        other.__dict__["task_id"] = task_id
        return other

    @property
    def max_tries(self) -> int:
        """Airflow's ``max_tries``: the same over retries and crashes, another one after a clear."""
        return int(self.ti.max_tries)

    @property
    def may_retry(self) -> bool:
        """Whether Airflow would try the task again at all."""
        return self.max_tries != 0 and int(self.ti.try_number) <= self.max_tries

    @cached_property
    def scheduled(self) -> bool:
        """Whether the schedule began the run, not a person or another system."""
        return str(getattr(self.dag_run.run_type, "value", self.dag_run.run_type)) == "scheduled"

    @property
    def began(self) -> datetime:
        """When the run began."""
        return self.dag_run.start_date or datetime.now(UTC)

    @property
    def conf(self) -> Mapping[str, Any]:
        """What the run was started with, as it was given."""
        return self.dag_run.conf or {}

    @property
    def inputs(self) -> dict[str, Any]:
        """The run's inputs: its conf, and the schema's defaults for what it leaves out."""
        return effective_inputs(self.plan.input_schema, self.conf)

    def info(self, attempt: int = 1) -> RunInfo:
        """Return what expressions see as ``run``; times are in the workflow's zone."""
        from airflow_provider_gimme.expressions import RunInfo

        time = (self.dag_run.logical_date or self.began).astimezone(self.plan.timezone)
        return RunInfo(self.run_id, time, window_of(self.plan.schedule, time), self.scheduled, attempt)

    def time_left(self, limit: timedelta | None = None, now: datetime | None = None) -> timedelta | None:
        """Return how long a step may take: ``limit``, and no longer than what is left of the run's ``timeout``.

        :raises RunTimeoutError: where nothing is left.
        """
        whole = self.plan.workflow.timeout
        if whole is None or not self.limited:
            return limit
        left = self.began + whole - (now or datetime.now(UTC))
        if left <= timedelta(0):
            raise RunTimeoutError(
                f"the run's timeout of {format_duration(whole)} is used up: it began {self.began:%Y-%m-%d %H:%M:%S%z}"
            )
        return left if limit is None else min(left, limit)

    def states(self, task_ids: Collection[str] | None = None) -> dict[str, str | None]:
        """Return the states of tasks of this run, of all of them without ``task_ids``."""
        named = list(task_ids) if task_ids is not None and len(task_ids) <= _NAMED_TASKS else None
        if named == []:
            return {}
        found = self.ti.get_task_states(dag_id=self.dag_id, task_ids=named, run_ids=[self.run_id])
        states = found.get(self.run_id, {})
        return {name: None if state is None else str(getattr(state, "value", state)) for name, state in states.items()}

    def pull(self, task_id: str, key: str = OUTPUT_KEY) -> Any:
        """Return an XCom of a task of this run; None where there is none."""
        return self.ti.xcom_pull(task_ids=task_id, key=key, map_indexes=None)

    def push(self, key: str, value: Any) -> None:
        """Write an XCom of this task."""
        self.ti.xcom_push(key=key, value=value)

    def mark_of(self, task_id: str) -> str | None:
        """Return why we skipped a task ourselves; None where we did not."""
        mark = self.pull(task_id, SKIP_KEY)
        return None if mark is None else str(mark)

    def error_of(self, task_id: str) -> Any:
        """Return the error of a task that failed, tolerated or not; None where it told none."""
        return self.pull(task_id, ERROR_KEY)
