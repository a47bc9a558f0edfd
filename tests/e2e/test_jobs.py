"""Jobs on a real Airflow: whatever is killed at whatever moment, one submit per key, one cancel where one is due."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest

from demo.instance import AirflowInstance, Component
from tests.e2e.jobs_api import JobsApi, serve_jobs
from tests.e2e.runs import PATIENCE, Run, drop, own_text, start

STATES = ("submitting", "polling", "fetching", "asking", "cancelling")
AT_WORK = ("submitting", "fetching", "asking", "cancelling")
"""The states in which a worker is busy."""

WAYS = ("task", "supervisor", "components")
"""What is killed: the tasks' own processes, their supervisors, and each component in turn."""


@pytest.fixture(scope="module")
def api() -> Iterator[JobsApi]:
    with serve_jobs() as served:
        served.done = {"submitting", "fetching", "asking", "working"}
        served.hangs = {
            ("submit", "submitting", 1),
            ("result", "fetching", 1),
            ("poll", "asking", 2),
            ("cancel", "cancelling", 1),
            ("poll", "working", 2),
        }
        yield served


@dataclass
class Killed:
    """Runs whose jobs were held, each in its state, when something was killed."""

    api: JobsApi
    runs: dict[str, Run]


def held(api: JobsApi, run: Run) -> bool:
    """Say whether every job of a run is where it is to be killed."""
    return bool(
        api.of(run.run_id, "submitting", "submit")
        and api.of(run.run_id, "polling", "poll")
        and api.of(run.run_id, "fetching", "result")
        and len(api.of(run.run_id, "asking", "poll")) > 1
        and api.of(run.run_id, "cancelling", "cancel")
    )


def processes_of(run: Run) -> dict[str, int]:
    """Return the processes of a run's tasks that are at work in their first try."""
    found = run.airflow.task_instances(run.dag_id, run.run_id).items()
    return {name: each["pid"] for name, each in found if each["state"] == "running" and each["try_number"] == 1}


@pytest.fixture(scope="module")
def killed(airflow: AirflowInstance, workflows: Path, api: JobsApi) -> Killed:
    """Hold the jobs of three runs in all states, kill, let go."""
    texts = {name: own_text(name, api.url) for name in ("jobs_killed", "jobs_ended")}
    drop(airflow, workflows, texts)
    for _ in range(3):
        found = Killed(api, {what: start(airflow, "jobs_killed") for what in WAYS})
        for run in found.runs.values():
            _wait(airflow, partial(held, api, run), f"jobs that are held: {run.run_id}")
        victims = {what: processes_of(found.runs[what]) for what in ("task", "supervisor")}
        if all(set(each) == set(AT_WORK) for each in victims.values()):
            break
        for run in found.runs.values():  # a slow scheduler takes a task that was back at once for failed
            airflow.patch(f"dags/{run.dag_id}/dagRuns/{run.run_id}", {"state": "failed"})
    else:
        pytest.fail("three times a task of these runs was taken for failed before anything was killed")
    for name, pid in victims["task"].items():
        os.kill(pid, signal.SIGTERM if name == "asking" else signal.SIGKILL)
    for pid in victims["supervisor"].values():
        os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
    _kill_components(airflow)
    api.done.add("polling")
    return found


def _kill_components(airflow: AirflowInstance) -> None:
    """Kill each component in turn; the scheduler, whose end is that of its tasks, last."""
    components: tuple[Component, ...] = ("triggerer", "dag-processor", "api-server", "execution-api", "scheduler")
    for component in components:
        airflow.kill(component, signal.SIGKILL)
    airflow.restart(*components)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", WAYS)
class TestKilled:
    def test_the_run_succeeds(self, killed: Killed, what: str) -> None:
        """Every job comes to its end; the one that took too long fails, and is tolerated."""
        run = killed.runs[what]
        assert run.wait() == "success"
        assert run.states() == {
            **dict.fromkeys(STATES, "success"),
            "cancelling": "skipped",
            "outcome": "success",
        }

    def test_one_submit_per_key(self, killed: Killed, what: str) -> None:
        """Each job was submitted under one key; only the submit that was cut off was sent again."""
        run = killed.runs[what]
        run.wait()
        for state in STATES:
            assert len(killed.api.keys(run.run_id, state, "submit")) == 1
        sent = {state: len(killed.api.of(run.run_id, state, "submit")) for state in STATES}
        assert sent == {**dict.fromkeys(STATES, 1), "submitting": 2}

    def test_one_cancel_where_one_is_due(self, killed: Killed, what: str) -> None:
        """The job that took too long is cancelled, under one key though the first was cut off; no other one is."""
        run = killed.runs[what]
        run.wait()
        cancels = {state: killed.api.keys(run.run_id, state, "cancel") for state in STATES}
        assert {state for state, keys in cancels.items() if keys} == {"cancelling"}
        assert len(cancels["cancelling"]) == 1
        assert len(killed.api.of(run.run_id, "cancelling", "cancel")) == 2

    def test_the_result_is_that_of_the_job(self, killed: Killed, what: str) -> None:
        """The output is fetched from the job that was submitted, the progress of no other."""
        run = killed.runs[what]
        run.wait()
        for state in ("submitting", "polling", "fetching", "asking"):
            (key,) = killed.api.keys(run.run_id, state, "submit")
            assert run.xcom(state) == {"of": killed.api.jobs[str(key)]}


@dataclass
class Ended:
    """A run whose tasks somebody ended."""

    api: JobsApi
    run: Run

    def cancels(self, name: str) -> list[str | None]:
        """Return the keys of all cancels of a job."""
        return [got.key for got in self.api.of(self.run.run_id, name, "cancel")]


@pytest.fixture(scope="module")
def ended(airflow: AirflowInstance, killed: Killed, api: JobsApi) -> Ended:
    """Clear and mark tasks whose jobs run."""
    for run in killed.runs.values():
        run.wait()
    names = ("cleared", "failed", "succeeded")
    for _ in range(3):
        run = start(airflow, "jobs_ended")
        _wait(airflow, partial(_followed, api, run, names), "jobs that are polled, and a worker that asks")
        if set(processes_of(run)) == {"working"}:
            break
        airflow.patch(f"dags/{run.dag_id}/dagRuns/{run.run_id}", {"state": "failed"})
    else:
        pytest.fail("three times a task of this run was taken for failed before anybody ended it")
    _mark(run, "failed", "failed")
    _mark(run, "succeeded", "success")
    _mark(run, "working", "failed")
    airflow.post(
        f"dags/{run.dag_id}/clearTaskInstances",
        {"dry_run": False, "dag_run_id": run.run_id, "task_ids": ["cleared"], "only_failed": False},
    )
    _wait(airflow, lambda: len(api.keys(run.run_id, "cleared", "submit")) == 2, "a new submit")
    _wait(airflow, lambda: all(api.of(run.run_id, name, "cancel") for name in (*names, "working")), "cancels")
    api.done.add("cleared")
    return Ended(api, run)


def _followed(api: JobsApi, run: Run, names: tuple[str, ...]) -> bool:
    asked = len(api.of(run.run_id, "working", "poll")) > 1
    return asked and all(api.of(run.run_id, name, "poll") for name in names)


def _wait(airflow: AirflowInstance, look: Callable[[], bool], what: str) -> None:
    airflow.wait(lambda: look() or None, what, PATIENCE)


def _mark(run: Run, task: str, state: str) -> None:
    body: Mapping[str, object] = {"new_state": state, "include_downstream": False}
    run.airflow.patch(f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task}", body)


@pytest.mark.timeout(300)
class TestEnded:
    @pytest.mark.parametrize("name", ["cleared", "failed", "succeeded", "working"])
    def test_the_job_is_cancelled_once(self, ended: Ended, name: str) -> None:
        """By the triggerer where the task waits there, by the task itself where it works."""
        ended.run.wait()
        (key,) = ended.cancels(name)
        assert key is not None
        assert key not in ended.api.keys(ended.run.run_id, name, "submit")

    def test_a_cleared_job_is_submitted_anew(self, ended: Ended) -> None:
        """Under a key of its own, once; the task ends with the result of the new job."""
        assert ended.run.wait() == "failed"
        assert ended.run.states()["cleared"] == "success"
        assert len(ended.api.of(ended.run.run_id, "cleared", "submit")) == 2
        assert [len(ended.api.of(ended.run.run_id, name, "submit")) for name in ("failed", "succeeded")] == [1, 1]
