"""The workflows of KAM, the orchestrator and the granulators say what their document describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_gimme.expressions import Scope, StepResult
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.request import Response
from airflow_provider_gimme.plan import Plan, plan_file
from airflow_provider_gimme.plan.call import CallWork
from airflow_provider_gimme.steps.fail.plan import FailWork
from airflow_provider_gimme.steps.job.plan import JobWork

FOLDER = Path(__file__).resolve().parents[1] / "workflow_configs" / "kam"
FIRST, SECOND = "bitware-content-granulator", "bitware-content-granulator-2"


@pytest.fixture(scope="module")
def pipeline() -> Plan:
    return plan_file(FOLDER / "content_pipeline.yaml")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_file_has_neither_problem_nor_warning(file: Path) -> None:
    """What a user learns from is clean, and every credential in it is a `${NAME}`."""
    assert plan_file(file).warnings == ()


def worker(name: str, **differs: Any) -> dict[str, Any]:
    row = {"worker_name": name, "capabilities": ["granulate", "structure"], "max_concurrent_executions": 10}
    return {**row, "health_status": "healthy", "is_active": 1, "active_executions": 0, **differs}


@pytest.mark.parametrize(
    "workers,chosen",
    [
        ([worker(FIRST), worker(SECOND)], FIRST),
        ([worker(FIRST, active_executions=9), worker(SECOND)], FIRST),
        ([worker(FIRST, active_executions=10), worker(SECOND)], SECOND),
        ([worker(FIRST, capabilities=["validate"]), worker(SECOND)], SECOND),
        ([worker(FIRST, health_status="degraded"), worker(SECOND)], SECOND),
        ([worker(FIRST, is_active=0), worker(SECOND)], SECOND),
        ([worker("somebody-else"), worker(SECOND)], SECOND),
        ([worker(SECOND), worker(FIRST)], SECOND),
        ([worker(FIRST, active_executions=10), worker(SECOND, max_concurrent_executions=0)], None),
        ([], None),
    ],
)
def test_a_worker_is_chosen_that_can_and_has_room(
    pipeline: Plan, workers: list[dict[str, Any]], chosen: str | None
) -> None:
    """The first free one of the registry; while nobody is free, the registry is asked again."""
    work = pipeline.by_id["worker"].work
    assert isinstance(work, CallWork)
    body = json.dumps({"workers": workers}).encode()
    answer = Response(200, Headers({"Content-Type": "application/json"}), body, "http://o/api/workers", timedelta(0))
    scope = Scope(variables=pipeline.variables)
    judge = work.outcome.judge(scope)
    assert judge is not None
    ruling = judge(answer)
    if chosen is None:
        assert ruling is not None
        assert ruling.verdict == "retry"
    else:
        assert ruling is None
        assert work.output(scope, answer) == chosen


def scope_of(done: Mapping[str, Any], minimum: float = 80) -> Scope:
    steps = {name: StepResult(output, "skipped" if output is None else "success") for name, output in done.items()}
    return Scope({"minimum_quality": minimum}, {"first_worker": FIRST}, steps)


@pytest.mark.parametrize("by", ["granulate", "granulate_at_second"])
@pytest.mark.parametrize("score,stops", [(79.9, True), (80, False), (92, False)])
def test_what_is_too_poor_is_not_delivered(pipeline: Plan, by: str, score: float, stops: bool) -> None:  # noqa: FBT001
    """The gate closes below the score that the run wants, whoever did the work, and says both."""
    gate = pipeline.by_id["too_poor"]
    outputs = {"granulate": None, "granulate_at_second": None, by: {"qualityScore": score}}
    assert gate.condition is not None
    assert gate.condition.evaluate(scope_of(outputs)) is stops
    assert isinstance(gate.work, FailWork)
    assert gate.work.message(scope_of(outputs)) == (f"A quality score of {score} is not enough: at least 80 is wanted.")
    assert "too_poor" in pipeline.by_id["complete"].upstream


def test_whoever_accepted_does_the_work(pipeline: Plan) -> None:
    """The steps of the worker that accepted run, those of the other one are left out."""
    for accepted, runs in ((FIRST, "at_first"), (SECOND, "at_second")):
        scope = scope_of({"handshake": {"workerId": accepted}})
        conditions = {step.task_id: (step.group, step.condition) for step in pipeline.steps if step.group}
        assert len(conditions) == 4
        for group, condition in conditions.values():
            assert condition is not None
            assert condition.evaluate(scope) is (group == runs)


def test_waiting_costs_no_worker_of_airflow(pipeline: Plan) -> None:
    """The queue and the work are jobs: they are waited for in the triggerer, and cancelled where nobody waits."""
    jobs = {step.task_id: step.work for step in pipeline.steps if isinstance(step.work, JobWork)}
    assert sorted(jobs) == ["execution", "granulate", "granulate_at_second"]
    assert all(work.cancel is not None for work in jobs.values())


def test_the_end_is_told_whatever_happened(pipeline: Plan) -> None:
    """A catch frees what is held at the orchestrator, a finally tells the client."""
    assert {step.task_id: step.run_on for step in pipeline.steps if step.run_on != "success"} == {
        "give_up": "failure",
        "tell_client": "always",
    }


def test_the_report_runs_on_working_mornings() -> None:
    """At seven in Prague, by its own clock in summer and winter."""
    schedule = plan_file(FOLDER / "client_report.yaml").schedule
    assert schedule is not None
    assert (schedule.cron, schedule.timezone) == ("0 7 * * 1-5", "Europe/Prague")
