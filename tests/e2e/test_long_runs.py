"""Somebody is told of a run that takes too long, while it still runs, by Airflow's deadlines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.e2e.runs import PATIENCE, WEBHOOK_SECRET, Run, drop, own_text, set_variable, start
from tests.standins import StandIn
from tests.standins.webhooks import Delivery

NAMES = ("long_failed", "long_run")


@pytest.fixture(scope="module")
def api() -> Iterator[StandIn]:
    with StandIn(token=API_KEY, webhook_secret=WEBHOOK_SECRET) as started:
        started.fail("/api/documents", nth=None, hang=True)
        yield started


@pytest.fixture(scope="module")
def runs(airflow: AirflowInstance, workflows: Path, api: StandIn) -> dict[str, Run]:
    """Give a run of each workflow; both have begun side by side."""
    set_variable(airflow, "DERIVATIV_WEBHOOK_SECRET", WEBHOOK_SECRET)
    drop(airflow, workflows, {name: own_text(name, api.url) for name in NAMES})
    return {name: start(airflow, name) for name in NAMES}


def _told(api: StandIn, run: Run) -> list[Delivery]:
    return [each for each in api.deliveries() if each.body["data"]["run_id"] == run.run_id]


def _types(api: StandIn, run: Run) -> list[str]:
    return [each.body["type"] for each in _told(api, run)]


def _deadline(run: Run) -> tuple[datetime, str, str] | None:
    """Return when the run's deadline was, and state and result of what Airflow did then; None before that."""
    statement = (
        "select deadline.deadline_time, callback.state, callback.output from deadline"
        " join callback on callback.id = deadline.callback_id join dag_run on dag_run.id = deadline.dagrun_id"
        " where dag_run.dag_id = ? and dag_run.run_id = ?"
        " and deadline.missed and callback.state in ('success', 'failed')"
    )
    with closing(sqlite3.connect(f"file:{run.airflow.database}?mode=ro", uri=True, timeout=30)) as database:
        found = database.execute(statement, (run.dag_id, run.run_id)).fetchone()
    return found and (datetime.fromisoformat(found[0]).replace(tzinfo=UTC), found[1], found[2])


def test_a_long_run_is_told_of_once_while_it_runs(runs: dict[str, Run], api: StandIn) -> None:
    """After the time in the file one signed delivery of type `run.long` comes while the run goes on, and no other."""
    run = runs["long_run"]
    run.airflow.wait(lambda: _told(api, run) or None, "the delivery", PATIENCE)
    assert run.airflow.run_state(run.dag_id, run.run_id) == "running"
    (delivery,) = _told(api, run)
    assert (delivery.signed, delivery.body["type"]) == (True, "run.long")
    assert delivery.body["data"]["workflow"] == "long_run"
    assert (delivery.body["data"]["ended"], delivery.body["data"]["outputs"]) == (None, None)
    run.airflow.patch(f"dags/{run.dag_id}/dagRuns/{run.run_id}", {"state": "failed"})
    assert run.wait() == "failed"
    run.airflow.wait_task(run.dag_id, run.run_id, "outcome", frozenset({"failed"}), PATIENCE)
    assert _types(api, run) == ["run.long", "run.failed"]


def test_a_run_that_has_failed_is_not_told_of_as_long(runs: dict[str, Run], api: StandIn) -> None:
    """Airflow's deadline passes for a run that failed long before, and nothing is delivered then."""
    run = runs["long_failed"]
    assert run.wait() == "failed"
    deadline, state, result = run.airflow.wait(lambda: _deadline(run), "the deadline", PATIENCE)
    ended = run.airflow.get(f"dags/{run.dag_id}/dagRuns/{run.run_id}")["end_date"]
    assert datetime.fromisoformat(ended) < deadline
    assert state == "success"
    assert "the run has ended in time" in result
    assert _types(api, run) == ["run.failed"]
