"""The tasks of a Dag: the first one of a kind is made by Airflow, each further one is a copy with values of its own.

Airflow takes longer to make an operator than we to read, check and plan its step: it goes through the arguments and
defaults of each class of it. Of all that, tasks of one kind differ in what is set here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow.sdk import DAG, TriggerRule
from airflow.sdk.definitions.param import ParamsDict

from airflow_provider_gimme.operators.base import tries
from airflow_provider_gimme.operators.engine import Engine

if TYPE_CHECKING:
    from airflow.sdk import TaskGroup

    from airflow_provider_gimme.operators.base import WorkflowTask
    from airflow_provider_gimme.operators.step import StepTask
    from airflow_provider_gimme.plan import Plan, StepPlan

__all__ = ["make_task"]

_KWARGS = "_BaseOperator__init_kwargs"
_FRESH = frozenset({dict, list, set})
_OWN = frozenset({"plan", "step"})
_Task = TypeVar("_Task", bound="WorkflowTask")


@dataclass(frozen=True)
class _First:
    """The attributes of a task of a kind, without what belongs to it alone."""

    shared: Mapping[str, Any]
    copied: tuple[tuple[str, Any], ...]
    """Those that change: each task has copies."""


_FIRST: dict[type[WorkflowTask], _First] = {}


def make_task(
    operator: type[_Task], plan: Plan, step: StepPlan | None, dag: DAG, group: TaskGroup, **options: Any
) -> _Task:
    """Make a task in a Dag: of a step, or the one named ``task_id`` in ``options``, further arguments of the operator.

    The Dag's ``default_args`` are attributes of a task, such as ``owner``. In a Dag with params, which each task has
    copies of, it is made by Airflow.
    """
    tried = tries()
    options["plan"] = plan
    if step is not None:
        tried = cast("type[StepTask]", operator).tries_of(step)
        options |= {"step": step, "task_id": step.task_id}
    if dag.params:
        return operator(dag=dag, task_group=group, **options)
    first = _FIRST.get(operator) or _first(operator, options)
    own = {**dag.default_args, **tried, **options}
    task = operator.__new__(operator)
    attributes = vars(task)
    attributes.update(first.shared)
    for name, value in first.copied:
        attributes[name] = value.copy()
    attributes.update(own)
    if "task_display_name" in own:
        attributes["_task_display_name"] = attributes.pop("task_display_name")
    if "trigger_rule" in own:
        attributes["trigger_rule"] = TriggerRule(own["trigger_rule"])
    attributes |= {"task_id": group.child_id(own["task_id"]), "params": ParamsDict(), "engine": Engine()}
    attributes[_KWARGS] |= {**own, "dag": dag, "task_group": group}
    group.add(task)
    dag.add_task(task)
    return task


def _first(operator: type[WorkflowTask], options: Mapping[str, Any]) -> _First:
    """Let Airflow make a task of a kind, in a Dag that nobody sees."""
    alone = DAG("first", schedule=None, auto_register=False)
    made = dict(vars(operator(dag=alone, **options)))
    made |= dict.fromkeys((*options.keys() & _OWN, "task_group", "_dag"))
    made[_KWARGS] |= dict.fromkeys((*options.keys() & _OWN, "task_group", "dag"))
    copied = tuple((name, value) for name, value in made.items() if type(value) in _FRESH)
    _FIRST[operator] = _First(made, copied)
    return _FIRST[operator]
