"""From the steps of a plan to tasks: what each waits for, where it takes its slot, what ends the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup

from airflow_provider_gimme.build.compensation import build_compensation
from airflow_provider_gimme.build.copies import make_task
from airflow_provider_gimme.build.docs import task_docs
from airflow_provider_gimme.build.ends import result_steps, watched_steps
from airflow_provider_gimme.build.pools import pool_name
from airflow_provider_gimme.operators.fields import DEFAULT_POOL, INPUTS, NOTIFY, OUTCOME, RESULT
from airflow_provider_gimme.operators.inputs import InputsOperator
from airflow_provider_gimme.operators.notify import NotifyOperator
from airflow_provider_gimme.operators.outcome import OutcomeOperator
from airflow_provider_gimme.operators.result import ResultOperator
from airflow_provider_gimme.operators.state import state_asset
from airflow_provider_gimme.operators.step import backstop
from airflow_provider_gimme.steps import part

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator

    from airflow_provider_gimme.operators.step import StepTask
    from airflow_provider_gimme.plan import Plan, StepPlan

__all__ = ["build_tasks"]


def build_tasks(
    dag: DAG, plan: Plan, pools: Mapping[str, int], fingerprint: str | None, bindings: Sequence[str] = ()
) -> None:
    """Put the tasks of a plan into its Dag.

    The order of the end is: steps, ``result``, ``compensation``, ``notify``, ``outcome``; those after ``result`` are
    teardowns, so that they run whatever happened, and only ``outcome`` decides how the run ended.
    """
    groups = _groups(dag, plan)
    tasks = {step.task_id: _step_task(dag, plan, step, groups.get(step.group or "")) for step in plan.steps}
    for step in plan.steps:
        tasks[step.task_id].upstream_task_ids.update(step.upstream)  # set_upstream() looks for the Dag of each first
        for name in step.upstream:
            tasks[name].downstream_task_ids.add(step.task_id)
    _begin(dag, plan, tasks)
    outcome = make_task(
        OutcomeOperator, plan, None, dag, dag.task_group, task_id=OUTCOME, priority_weight=plan.workflow.priority
    )
    outcome.carry(pools, fingerprint, bindings)
    outcome.as_teardown(on_failure_fail_dagrun=True)
    for last in _finish(dag, plan, tasks):
        outcome.upstream_task_ids.add(last.task_id)
        last.downstream_task_ids.add(OUTCOME)


def _groups(dag: DAG, plan: Plan) -> dict[str, TaskGroup]:
    return {
        group.name: TaskGroup(
            group.name, prefix_group_id=False, dag=dag, parent_group=dag.task_group, tooltip=group.description
        )
        for group in plan.groups
    }


def _step_task(dag: DAG, plan: Plan, step: StepPlan, group: TaskGroup | None) -> BaseOperator:
    operator: type[StepTask] = part(step.type, "operator").StepOperator
    return make_task(
        operator,
        plan,
        step,
        dag,
        group or dag.task_group,
        task_display_name=step.display_name,
        doc_md=task_docs(step.description),
        pool=pool_name(step.pool or DEFAULT_POOL),
        trigger_rule="none_failed" if step.run_on == "success" else "all_done",
        execution_timeout=backstop(step),
        priority_weight=plan.workflow.priority,
    )


def _begin(dag: DAG, plan: Plan, tasks: Mapping[str, BaseOperator]) -> None:
    if not plan.needs_inputs_task:
        return
    inputs = InputsOperator(task_id=INPUTS, plan=plan, dag=dag, priority_weight=plan.workflow.priority)
    inputs.set_downstream([tasks[step.task_id] for step in plan.steps if not step.upstream])


def _finish(dag: DAG, plan: Plan, tasks: Mapping[str, BaseOperator]) -> list[BaseOperator]:
    """Put the tasks before ``outcome`` into the Dag, and return those that it follows."""
    common: dict[str, Any] = {"plan": plan, "dag": dag, "priority_weight": plan.workflow.priority}
    last = [tasks[name] for name in watched_steps(plan)]
    if plan.needs_result_task:
        inlets = [state_asset(plan.dag_id)] if plan.state.values else []
        result = ResultOperator(task_id=RESULT, trigger_rule="none_failed", inlets=inlets, **common)
        result.returns_dag_result = plan.gives_result
        result.set_upstream([tasks[name] for name in result_steps(plan)])
        last.append(result)
    if not plan.gives_result:
        for name in plan.leaves:
            tasks[name].returns_dag_result = not plan.by_id[name].config.sensitive
    if plan.undoable:
        last = build_compensation(dag, plan, last)
    if plan.workflow.monitoring.webhook_url is not None:
        notify = NotifyOperator(task_id=NOTIFY, **common).as_teardown(on_failure_fail_dagrun=False)
        notify.set_upstream(last)
        last = [notify]
    return last
