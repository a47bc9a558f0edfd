"""A task that is a copy of the first one of its kind is the task that Airflow would have made."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_gimme.build.copies import make_task
from airflow_provider_gimme.operators.fields import OUTCOME
from airflow_provider_gimme.operators.outcome import OutcomeOperator
from airflow_provider_gimme.operators.step import StepTask
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.steps import part, step_types

PLAN = plan_text(
    """
name: kinds
connection: api
steps:
  - {name: api_call, endpoint: /, retry: {limit: 2, delay: 9s, on_crash: false}}
  - {name: transform, type: transform, payload: 1, description: it computes}
  - {name: fail, type: fail, message: no more, condition: "1 > 2"}
  - {name: wait, type: wait, for: 1s}
  - {name: approval, type: approval, message: May it go on?}
  - {name: workflow, type: workflow, workflow: other}
  - {name: operator, type: operator, operator: some.module.SomeOperator, args: {size: 1}}
  - {name: switch, type: switch, cases: [{condition: "1 > 2", steps: [job]}]}
  - name: job
    type: job
    endpoint: /jobs
    job: {id: $.id, poll: {endpoint: "/jobs/{{ job.id }}"}, done_when: $.status == "done", fail_when: $.status == "bad"}
""",
    "kinds.yaml",
)
OPTIONS: dict[str, Any] = {
    "task_display_name": "Shown",
    "doc_md": "What it does\n",
    "pool": "some_pool",
    "trigger_rule": "all_done",
    "execution_timeout": timedelta(seconds=99),
    "priority_weight": 7,
}
EQUAL_IN_MEANING = {"_dag", "task_group", "engine", "retry_policy", "_BaseOperator__init_kwargs"}
"""Each task has its own: the Dag is compared in its serialized form, the others below."""


def _operator(kind: str) -> type[StepTask]:
    operator: type[StepTask] = part(kind, "operator").StepOperator
    return operator


def _dag(**options: Any) -> DAG:
    return DAG("kinds", schedule=None, auto_register=False, **options)


def _copied(kind: str, dag: DAG) -> BaseOperator:
    if kind == OUTCOME:
        return make_task(OutcomeOperator, PLAN, None, dag, dag.task_group, task_id=OUTCOME, priority_weight=7)
    return make_task(_operator(kind), PLAN, PLAN.by_id[kind], dag, dag.task_group, **OPTIONS)


def _by_airflow(kind: str, dag: DAG) -> BaseOperator:
    if kind == OUTCOME:
        return OutcomeOperator(task_id=OUTCOME, plan=PLAN, dag=dag, task_group=dag.task_group, priority_weight=7)
    step = PLAN.by_id[kind]
    return _operator(kind)(task_id=kind, plan=PLAN, step=step, dag=dag, task_group=dag.task_group, **OPTIONS)


owned = partial(_dag, default_args={"owner": "somebody"})


@pytest.mark.parametrize("kind", [*step_types(), OUTCOME])
def test_a_copy_has_what_airflow_gives_a_task(kind: str) -> None:
    """All attributes, in memory and in the serialized Dag; also of a Dag whose tasks have an owner."""
    for dag in (_dag, owned):
        ours, theirs = _copied(kind, dag()), _by_airflow(kind, dag())
        mine, other = vars(ours), vars(theirs)
        assert mine.keys() == other.keys()
        names = mine.keys() - EQUAL_IN_MEANING
        assert {name: mine[name] for name in names} == {name: other[name] for name in names}
        assert DagSerialization.to_dict(ours.dag) == DagSerialization.to_dict(theirs.dag)
        assert mine["retry_policy"].on_crash == other["retry_policy"].on_crash
        arguments = mine["_BaseOperator__init_kwargs"]
        assert arguments["dag"] is ours.dag
        assert arguments.keys() == other["_BaseOperator__init_kwargs"].keys()


@pytest.mark.parametrize("kind", [*step_types(), OUTCOME])
def test_a_copy_shares_nothing_that_changes(kind: str) -> None:
    """What one task is told afterwards no other one knows."""
    dag = _dag()
    one, other = _copied(kind, dag), _copied(kind, _dag())
    assert list(dag.task_dict.values()) == [one]
    assert one.task_group is not None
    assert one.task_group.children == {kind: one}
    for name, value in vars(one).items():
        if type(value) in {dict, list, set} and name != "plan":
            assert vars(other)[name] is not value, name
    one.set_downstream(_copied("fail" if kind != "fail" else "wait", dag))
    assert one.downstream_task_ids
    assert not other.downstream_task_ids


def test_a_task_of_a_dag_with_params_has_them() -> None:
    """A copy for itself, as Airflow makes it."""
    dag = _dag(params={"count": 3})
    task = _copied("transform", dag)
    assert task.params == {"count": 3}
    assert task.params is not dag.params
