"""The TaskGroup ``compensation``: what undoes the steps of a run that has failed, in reverse of the plan's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk import TaskGroup

from airflow_provider_gimme.build.docs import task_docs
from airflow_provider_gimme.build.pools import pool_name
from airflow_provider_gimme.operators.compensation import CompensationOperator, UndoOperator
from airflow_provider_gimme.operators.fields import COMPENSATION, COMPENSATION_GROUP, DEFAULT_POOL
from airflow_provider_gimme.operators.step import backstop
from airflow_provider_gimme.plan.compensation import undo_waits

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator

    from airflow_provider_gimme.plan import Plan, StepPlan

__all__ = ["build_compensation"]


def build_compensation(dag: DAG, plan: Plan, last: Sequence[BaseOperator]) -> list[BaseOperator]:
    """Put the group into the Dag, after the tasks ``last``, and return its tasks; all are teardowns."""
    waits = undo_waits(plan.steps)
    group = TaskGroup(
        COMPENSATION_GROUP,
        prefix_group_id=False,
        dag=dag,
        parent_group=dag.task_group,
        tooltip="undoes what was done, where the run has failed",
    )
    first = CompensationOperator(
        task_id=COMPENSATION,
        task_display_name="what to undo",
        plan=plan,
        waits=waits,
        dag=dag,
        task_group=group,
        priority_weight=plan.workflow.priority,
    ).as_teardown(on_failure_fail_dagrun=False)
    first.set_upstream(list(last))
    tasks = {name: _undo(dag, plan, step, group) for name in waits if (step := plan.by_id[name].compensation)}
    for name, task in tasks.items():
        task.set_upstream([tasks[each] for each in waits[name]] or [first])
    return [first, *tasks.values()]


def _undo(dag: DAG, plan: Plan, step: StepPlan, group: TaskGroup) -> BaseOperator:
    task = UndoOperator(
        task_id=step.task_id,
        plan=plan,
        step=step,
        dag=dag,
        task_group=group,
        task_display_name=step.display_name,
        doc_md=task_docs(step.description),
        pool=pool_name(step.pool or DEFAULT_POOL),
        execution_timeout=backstop(step),
        priority_weight=plan.workflow.priority,
    )
    task.as_teardown(on_failure_fail_dagrun=False)
    return task
