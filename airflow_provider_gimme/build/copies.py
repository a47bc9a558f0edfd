"""The tasks of steps: the first one of a kind is made by Airflow, each further one is a copy with values of its own.

Airflow takes longer to make an operator than we to read, check and plan its step: it goes through the arguments and
defaults of each class of it. Of all that, tasks of one kind differ in what is set here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TriggerRule
from airflow.sdk.definitions.param import ParamsDict

from airflow_provider_gimme.operators.engine import Engine

if TYPE_CHECKING:
    from airflow.sdk import TaskGroup

    from airflow_provider_gimme.operators.step import StepTask
    from airflow_provider_gimme.plan import Plan, StepPlan

__all__ = ["make_task"]

_KWARGS = "_BaseOperator__init_kwargs"
_FRESH = frozenset({dict, list, set})
_FIRST: dict[type[StepTask], Mapping[str, Any]] = {}
"""The attributes of a task of each kind, without what belongs to it alone."""


def make_task(
    operator: type[StepTask], plan: Plan, step: StepPlan, dag: DAG, group: TaskGroup, **options: Any
) -> StepTask:
    """Make the task of a step in a Dag; ``options`` are further arguments of the operator.

    The Dag's ``default_args`` are attributes of a task, such as ``owner``. In a Dag with params, which each task has
    copies of, it is made by Airflow.
    """
    if dag.params:
        return operator(task_id=step.task_id, plan=plan, step=step, dag=dag, task_group=group, **options)
    first = _FIRST.get(operator) or _first(operator, plan, step, options)
    own = {"plan": plan, "step": step, **dag.default_args, **operator.tries_of(step), **options}
    task = operator.__new__(operator)
    attributes = vars(task)
    attributes |= {name: value.copy() if type(value) in _FRESH else value for name, value in first.items()} | own
    attributes["_task_display_name"] = attributes.pop("task_display_name")
    attributes |= {"task_id": group.child_id(step.task_id), "params": ParamsDict(), "engine": Engine()}
    attributes["trigger_rule"] = TriggerRule(options["trigger_rule"])
    attributes[_KWARGS] |= {**own, "task_id": step.task_id, "dag": dag, "task_group": group}
    group.add(task)
    task.dag = dag
    return task


def _first(operator: type[StepTask], plan: Plan, step: StepPlan, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let Airflow make a task of a kind, in a Dag that nobody sees."""
    alone = DAG("first", schedule=None, auto_register=False)
    made = dict(vars(operator(task_id="first", plan=plan, step=step, dag=alone, **options)))
    _FIRST[operator] = made | dict.fromkeys(("plan", "step", "task_group", "_dag"))
    made[_KWARGS] |= dict.fromkeys(("plan", "step", "task_group", "dag"))
    return _FIRST[operator]
