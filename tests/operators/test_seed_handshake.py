"""Work that is offered before it is given: a worker accepts or refuses, works, and tells how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operators.conftest import Ran, run_text
from tests.standins import StandIn

TEXT = (Path(__file__).parents[1] / "workflows" / "handshake.yaml").read_text()

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[StandIn, StandIn]]:
    with StandIn("granulator", polls=2) as first, StandIn("granulator", worker="reserve", polls=1) as second:
        yield first, second


@pytest.fixture
def workers(both: tuple[StandIn, StandIn], monkeypatch: pytest.MonkeyPatch) -> tuple[StandIn, StandIn]:
    for name, worker in zip(("GRANULATOR", "RESERVE"), both, strict=True):
        worker.reset()
        monkeypatch.setenv(f"{name}_API_BASE", worker.url)
        monkeypatch.setenv(f"{name}_API_KEY", worker.token)
    return both


def lines(worker: StandIn, ran: Ran) -> list[str]:
    """Return the calls that a worker got, in order."""
    return [f"{call.method} {call.path.replace(ran.run.run_id, 'ID')}" for call in worker.ledger().calls]


PROGRESS = "GET /api/progress/ID"
WORK = ["POST /api/process", PROGRESS, PROGRESS, PROGRESS, "GET /api/jobs/ID"]
"""The last poll is made twice: the trigger hears that the work is done, and the task makes sure."""


def test_who_accepts_does_the_work(airflow_db: Path, workers: tuple[StandIn, StandIn]) -> None:
    """One offer, one process, polls until the work is done, one look at the result; nobody else is called."""
    first, second = workers
    ran = run_text(airflow_db, TEXT, {"topic": "Graphs"})
    assert (ran.state, lines(first, ran), lines(second, ran)) == ("success", ["POST /api/handshake", *WORK], [])
    assert ran.xcom("accept")["result"]["structure"]["title"] == "Graphs"
    assert ran.xcom("accept", "progress") == 100
    assert ran.states["accept_elsewhere"] == "skipped"
    assert ran.xcom("result") == {"score": 92}


def test_who_refuses_is_asked_again(airflow_db: Path, workers: tuple[StandIn, StandIn]) -> None:
    """A refusal with status 200 is tried again, as a new offer, within the step's limit."""
    first, second = workers
    first.configure(refusals=2)
    ran = run_text(airflow_db, TEXT)
    assert (ran.state, lines(first, ran), lines(second, ran)) == ("success", ["POST /api/handshake"] * 3 + WORK, [])
    assert {call.key for call in first.calls("/api/handshake")} == {None}


def test_another_worker_is_asked(airflow_db: Path, workers: tuple[StandIn, StandIn]) -> None:
    """Who refuses for good is given no work; the other one is offered it by the step's fallback, and does it."""
    first, second = workers
    first.configure(refusals=99)
    ran = run_text(airflow_db, TEXT)
    assert (ran.state, lines(first, ran)) == ("success", ["POST /api/handshake"] * 3)
    assert lines(second, ran) == ["POST /api/handshake", WORK[0], PROGRESS, PROGRESS, WORK[-1]]
    assert (ran.states["offer"], ran.states["accept"]) == ("success", "skipped")
    assert ran.xcom("result") == {"score": 92}


def test_nobody_accepts(airflow_db: Path, workers: tuple[StandIn, StandIn]) -> None:
    """Where both refuse, nothing is processed, and the run has failed."""
    for worker in workers:
        worker.configure(refusals=99)
    ran = run_text(airflow_db, TEXT)
    assert ran.state == "failed"
    assert [lines(worker, ran) for worker in workers] == [["POST /api/handshake"] * 3] * 2
    assert "Worker cannot accept new tasks" in ran.xcom("offer", "error")["message"]
