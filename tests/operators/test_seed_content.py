"""The content pipeline's API, called by YAML alone: its pages, and its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operators.conftest import run_text
from tests.standins import Ledger, StandIn

WORKFLOWS = Path(__file__).parents[1] / "workflows"
GENERATE = "/api/content/generate"

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates


@pytest.fixture(scope="module")
def started() -> Iterator[StandIn]:
    with StandIn("content", items=45, polls=3) as stand_in:
        yield stand_in


@pytest.fixture
def content(started: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    started.reset()
    for name, value in started.environment.items():
        monkeypatch.setenv(name, value)
    return started


def clips(first: int, last: int) -> list[str]:
    return [f"clip-{number:03d}" for number in range(first, last + 1)]


def asked(ledger: Ledger) -> list[tuple[int, int]]:
    """Return which pages of what size were asked for."""
    return [(call.json["page"], call.json["limit"]) for call in ledger.to(GENERATE)]


def test_pages_that_a_body_asks_for(airflow_db: Path, content: StandIn) -> None:
    """Page and limit stand in the body: three calls, one for each page, give all items in order."""
    ran = run_text(airflow_db, (WORKFLOWS / "content_pages.yaml").read_text())
    assert ran.state == "success"
    assert asked(content.ledger()) == [(1, 20), (2, 20), (3, 20)]
    assert ran.xcom("result") == {"clips": clips(1, 45)}


def test_a_page_that_fails_is_asked_for_again(airflow_db: Path, content: StandIn) -> None:
    """A page is tried again by itself: those before it are not asked for twice, and no item is there twice."""
    content.fail(GENERATE, where={"page": 2}, status=503)
    ran = run_text(airflow_db, (WORKFLOWS / "content_pages.yaml").read_text())
    assert asked(content.ledger()) == [(1, 20), (2, 20), (2, 20), (3, 20)]
    assert (ran.tries["items"], ran.xcom("result")) == (1, {"clips": clips(1, 45)})


def test_a_job_with_its_key_in_the_body(airflow_db: Path, content: StandIn) -> None:
    """One submit with a key in its body, polls until the job is completed (the last by the task), then its items."""
    ran = run_text(airflow_db, (WORKFLOWS / "content_job.yaml").read_text())
    assert ran.state == "success"
    assert content.ledger().counts() == {GENERATE: 1, "/api/content/jobs/job-1": 4}
    (submit,) = content.ledger().to(GENERATE)
    assert (submit.json["mode"], len(submit.json["idempotency_key"]), submit.key) == ("async", 40, None)
    assert ran.xcom("result") == {"clips": clips(1, 20)}
    assert ran.xcom("recap", "progress") == "completed"


def test_an_answer_that_is_lost_is_no_second_job(airflow_db: Path, content: StandIn) -> None:
    """A submit whose answer was cut is made again under its key: two calls, one job."""
    content.fail(GENERATE, cut="headers")
    ran = run_text(airflow_db, (WORKFLOWS / "content_job.yaml").read_text())
    first, second = content.ledger().to(GENERATE)
    assert first.json["idempotency_key"] == second.json["idempotency_key"]
    assert (len(content.state()["jobs"]), ran.xcom("result")) == (1, {"clips": clips(1, 20)})


def test_a_job_that_fails_fails_its_step(airflow_db: Path, content: StandIn) -> None:
    """What the job says of itself is in the step's error; nothing is submitted again."""
    content.configure(fails=True)
    ran = run_text(airflow_db, (WORKFLOWS / "content_job.yaml").read_text())
    assert (ran.state, ran.states["recap"], ran.tries["recap"]) == ("failed", "failed", 1)
    assert len(content.ledger().to(GENERATE)) == 1
    assert "no model could be reached" in ran.xcom("recap", "error")["message"]
