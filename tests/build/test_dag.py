"""What a Dag is made of, before and after its round trip through the metadata database's form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_gimme.build import build_broken, build_workflow
from airflow_provider_gimme.errors import Problem, WorkflowError
from airflow_provider_gimme.listeners.pools import find_pools
from airflow_provider_gimme.operators.fields import FINGERPRINT_FIELD

FLOW = """
name: flow
api_base: http://127.0.0.1:1
description: Makes questions, see README.md
owner: maths
tags: [nightly]
priority: 7
max_parallel: 5
max_active_runs: 2
pools: {shared: 4}
groups:
  gen: {max_parallel: 3, description: The questions}
steps:
  - {name: one, endpoint: /one, parallel_group: gen, timeout: 2m, description: See notes.md}
  - {name: two, endpoint: /two, parallel_group: gen, retry: {limit: 5, delay: 3s}}
  - {name: sum, type: transform, payload: "{{ steps.gen | length }}", depends_on: [gen], pool: shared}
  - {name: catch, endpoint: /catch, run_on: failure, depends_on: [sum]}
  - {name: last, endpoint: /last, run_on: always, depends_on: [sum]}
"""


def build(extra: str = "", **options: Any) -> DAG:
    """Build the workflow above with some more keys."""
    return build_workflow(FLOW + extra, file="flows/flow.yaml", **options)


def scheduled(dag: DAG) -> Any:
    """Return the Dag as the scheduler has it."""
    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def edges(dag: DAG) -> dict[str, set[str]]:
    """Return each task's upstream tasks."""
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


def test_groups_do_not_prefix_their_tasks() -> None:
    """A step's name is its task's id, in a group too."""
    dag = build()
    assert set(dag.task_dict) == {"one", "two", "sum", "catch", "last", "outcome"}
    assert set(dag.task_group.get_task_group_dict()["gen"].children) == {"one", "two"}


def test_the_order_is_that_of_the_plan() -> None:
    """Steps wait for those before them, and the outcome for every step that nothing else watches."""
    found = edges(build())
    assert found["sum"] == {"one", "two"}
    assert (found["catch"], found["last"]) == ({"sum"}, {"sum"})
    assert found["outcome"] == {"one", "two", "catch", "last"}


def test_the_end_waits_for_steps_that_are_given_up_around() -> None:
    """A step is given up when one before it fails while another still runs, so that other one is watched itself."""
    chain = "name: c\nsteps:\n" + "".join(f"- {{name: s{n}, type: transform, payload: 1}}\n" for n in range(4))
    assert edges(build_workflow(chain, file="c.yaml"))["outcome"] == {"s3"}
    assert {"one", "two"} <= edges(build())["outcome"]


def test_trigger_rules_follow_run_on() -> None:
    """A step runs where none before it failed; a catch and a finally wait for all of them to end."""
    rules = {task.task_id: task.trigger_rule.value for task in build().tasks}
    assert (rules["sum"], rules["catch"], rules["last"]) == ("none_failed", "all_done", "all_done")


def test_only_the_outcome_decides() -> None:
    """The notification and the outcome are teardowns; only a failed outcome fails the run."""
    dag = scheduled(build("monitoring: {webhook_url: 'http://127.0.0.1:1/hook'}\n"))
    ends = {
        name: (dag.task_dict[name].is_teardown, dag.task_dict[name].on_failure_fail_dagrun)
        for name in ("notify", "outcome")
    }
    assert ends == {"notify": (True, False), "outcome": (True, True)}
    assert dag.task_dict["outcome"].upstream_task_ids == {"notify"}


def test_slots_travel_with_the_serialized_dag() -> None:
    """The scheduler's form of the Dag still says which pools it brings, and with how many slots."""
    dag = build()
    assert find_pools(scheduled(dag)) == {"gimme.flow.gen": 3, "shared": 4}
    assert {task.task_id: task.pool for task in dag.tasks}["sum"] == "shared"
    assert dag.task_dict["one"].pool == "gimme.flow.gen"


def test_the_bundle_says_how_many_slots_count() -> None:
    """Where several files name a pool, the slots come from outside; those of other files' pools are left out."""
    assert find_pools(scheduled(build(pools={"shared": 2, "foreign": 9}))) == {"gimme.flow.gen": 3, "shared": 2}


def test_a_long_pool_name_is_hashed_alike_everywhere() -> None:
    """A pool whose name Airflow's table cannot hold has the same shorter name at its tasks and in what is made."""
    step = f"{{name: a, type: transform, payload: 1, parallel_group: {'g' * 100}}}"
    text = f"name: {'d' * 200}\ngroups: {{{'g' * 100}: {{max_parallel: 1}}}}\nsteps: [{step}]\n"
    dag = build_workflow(text, file="d.yaml")
    (name,) = find_pools(scheduled(dag))
    assert dag.task_dict["a"].pool == name
    assert len(name) == 256


def test_another_fingerprint_is_another_dag() -> None:
    """The hash of all that shapes a run is part of the serialized Dag, and comes back from it."""
    one, two = (DagSerialization.to_dict(build(fingerprint=mark)) for mark in ("one", "two"))
    assert one != two
    assert getattr(DagSerialization.from_dict(one).task_dict["outcome"], FINGERPRINT_FIELD) == "one"


def test_the_serialized_dag_is_the_same_at_every_build() -> None:
    """Building a file again makes no new version of its Dag."""
    first, again = DagSerialization.to_dict(build()), DagSerialization.to_dict(build())
    assert first == again


def test_a_step_is_an_http_operator_without_its_templates() -> None:
    """Airflow sees an HttpOperator whose one template field is the request, and renders none of our texts."""
    task = build().task_dict["one"]
    assert isinstance(task, HttpOperator)
    assert tuple(task.template_fields) == ("request",)
    assert task.request is None  # type: ignore[attr-defined]


def test_limits_and_retries_are_airflows() -> None:
    """Airflow may try three times more than the file says, for crashes, and ends a step 30 s after its own limit."""
    tasks = build().task_dict
    assert (tasks["two"].retries, tasks["two"].retry_delay) == (8, timedelta(seconds=3))
    assert tasks["one"].execution_timeout == timedelta(minutes=2, seconds=30)


def test_what_the_file_says_of_the_dag() -> None:
    """Owner, tags, priority and limits are the file's."""
    dag = build("active: true\n")
    assert (dag.max_active_tasks, dag.max_active_runs, dag.tags, dag.is_paused_upon_creation) == (
        5,
        2,
        {"nightly"},
        False,
    )
    assert {task.owner for task in dag.tasks} == {"maths"}
    assert {task.priority_weight for task in dag.tasks} == {7}
    assert {str(getattr(task.weight_rule, "value", task.weight_rule)) for task in dag.tasks} == {"absolute"}


def test_a_name_beside_an_id_is_what_people_see() -> None:
    """The id is Airflow's, for the Dag and for its tasks; without one the name is both."""
    text = "id: nightly\nname: Every night, all of it\nsteps:\n"
    text += (
        "  - {id: sum, name: Add them up, type: transform, payload: 1}\n  - {name: last, type: transform, payload: 2}\n"
    )
    dag = scheduled(build_workflow(text, file="w.yaml"))
    assert (dag.dag_id, dag.dag_display_name) == ("nightly", "Every night, all of it")
    shown = {task_id: task.task_display_name for task_id, task in dag.task_dict.items()}
    assert shown == {"sum": "Add them up", "last": "last", "outcome": "outcome"}


def test_the_result_is_airflows() -> None:
    """Without `outputs` the leaves give the Dag's result, with them the task `result` does."""
    assert {task.task_id for task in build().tasks if task.returns_dag_result} == {"catch", "last"}
    dag = build("outputs: {n: '{{ steps.sum }}'}\n")
    assert {task.task_id for task in dag.tasks if task.returns_dag_result} == {"result"}
    assert edges(dag)["result"] == {"catch", "last", "sum"}  # a catch that went well is no result


def test_the_docs_hold_the_file_and_cannot_be_broken_out_of() -> None:
    """The YAML stands in a code block that no text in it can end, and the plan above it."""
    doc = build("# ````\n# <script>\n").doc_md or ""
    assert "`````yaml\n" in doc
    assert doc.rstrip().endswith("`````")
    assert "1. `one` (gen, at most 3 at once), `two` (gen, at most 3 at once)" in doc


def test_a_note_comes_first_and_is_tagged() -> None:
    """A Dag that runs by its last good text says so."""
    dag = build(note="The file has a problem.")
    assert (dag.doc_md or "").startswith("**The file has a problem.**")
    assert dag.tags == {"nightly", "broken"}


def test_a_removed_file_has_no_schedule() -> None:
    """A Dag that stays for its runs alone begins no new ones."""
    dag = build("schedule: '0 18 * * *'\n", note="The file is gone.", scheduled=False)
    assert (dag.timetable.can_be_scheduled, dag.tags) == (False, {"nightly", "removed"})


def test_the_environment_picks_an_overlay() -> None:
    """Values of the chosen environment are those of the Dag."""
    assert build("environments: {prod: {max_active_runs: 9}}\n", environment="prod").max_active_runs == 9


def test_a_file_with_problems_raises_all_of_them() -> None:
    """Nothing is built of a broken text; its problems are raised at once."""
    with pytest.raises(WorkflowError) as caught:
        build_workflow("name: x\nsteps:\n- {name: a, endpont: /x}\n- {name: b, type: nope}\n", file="x.yaml")
    assert len(caught.value.problems) >= 2


def test_a_placeholder_tells_the_problems_and_does_nothing() -> None:
    """A broken file's Dag is tagged, never scheduled, and its docs and its task tell what is wrong."""
    dag = build_broken("x", [Problem("x.yaml", 3, 5, "steps[0]", "unknown key 'endpont'")], "x.yaml")
    assert (dag.tags, dag.timetable.can_be_scheduled, list(dag.task_dict)) == ({"broken"}, False, ["problems"])
    assert "x.yaml:3:5: steps[0]: unknown key 'endpont'" in (dag.doc_md or "")
    operator: Any = dag.task_dict["problems"]
    with pytest.raises(AirflowFailException, match="unknown key 'endpont'"):
        operator.execute({})
    scheduled(dag)
