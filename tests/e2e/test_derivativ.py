"""Derivativ's workflows on a running Airflow, against an API that goes wrong: told by the API's own ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.e2e.runs import PATIENCE, ROOT, WEBHOOK_SECRET, Run, drop, own_text, set_variable, start
from tests.standins import Call, StandIn

pytestmark = pytest.mark.timeout(600)  # the first test waits for the runs of all

QUESTIONS = "/api/questions/generate"
DOCUMENTS = "/api/documents/generate"
STORE = "/api/documents/store"
WEBHOOK = "/webhooks/workflow_complete"
SEED = "derivativ_cambridge_igcse_daily"
TOPICS = ("algebra", "geometry", "statistics", "trigonometry", "probability", "calculus")
CALLS = {
    **{f"generate_{topic}_questions": QUESTIONS for topic in TOPICS},
    **{f"create_{kind}": DOCUMENTS for kind in ("worksheet", "answer_key", "teaching_notes")},
    **{f"store_{kind}": STORE for kind in ("worksheet", "answer_key", "teaching_notes")},
    "notify": WEBHOOK,
}
"""The tasks of the nightly workflow that call the API in a good night, and where."""


def _daily_text(host: str) -> str:
    """Return the nightly workflow with another host, and with the times of a test in place of those of a night."""
    text = (ROOT / "workflow_configs" / "derivativ_daily.yaml").read_text()
    text = re.sub(r"\$\{DERIVATIV_API_BASE:-[^}]*\}", host, text)
    return text.replace("delay: 5s", "delay: 1s").replace("timeout: 5m", "timeout: 1500ms")


def _set_faults(api: StandIn) -> None:
    """Let the first call of each path fail, and three more on questions, each in its own way."""
    api.fail("*", status=503)
    api.fail(QUESTIONS, nth=2, status=429, headers={"Retry-After": "2"})
    api.fail(QUESTIONS, nth=3, cut="body")
    api.fail(QUESTIONS, nth=4, stall=2)


def _serve() -> Iterator[StandIn]:
    with StandIn(token=API_KEY, webhook_secret=WEBHOOK_SECRET) as api:
        yield api


@pytest.fixture(scope="module")
def night_api() -> Iterator[StandIn]:
    yield from _serve()


@pytest.fixture(scope="module")
def seed_api() -> Iterator[StandIn]:
    yield from _serve()


@pytest.fixture(scope="module")
def busy_api() -> Iterator[StandIn]:
    yield from _serve()


@pytest.fixture(scope="module")
def dropped(
    airflow: AirflowInstance, workflows: Path, night_api: StandIn, seed_api: StandIn, busy_api: StandIn
) -> AirflowInstance:
    set_variable(airflow, "DERIVATIV_WEBHOOK_SECRET", WEBHOOK_SECRET)
    files = {
        "derivativ_daily": _daily_text(night_api.url),
        SEED: own_text("derivativ_seed", seed_api.url),
        "busy_group": own_text("busy_group", busy_api.url),
    }
    drop(airflow, workflows, files)
    return airflow


@pytest.fixture(scope="module")
def night(dropped: AirflowInstance, night_api: StandIn) -> Run:
    _set_faults(night_api)
    return start(dropped, "derivativ_daily")


@pytest.fixture(scope="module")
def seed_night(dropped: AirflowInstance, seed_api: StandIn, night: Run) -> Run:
    seed_api.fail("/api/*", each="key", status=503)
    return start(dropped, SEED)


@pytest.fixture(scope="module")
def ended(night: Run, seed_night: Run) -> Run:
    """Give the nightly run, ended; the seed's run has begun beside it."""
    night.wait()
    return night


def _by_task(run: Run, api: StandIn) -> dict[str, list[Call]]:
    """Return the API's calls by the task that made them: the step's id is not sent, its key is."""
    series = list(api.ledger().attempts().values())
    found: dict[str, list[Call]] = {}
    for calls in series:
        body = calls[0].json
        if calls[0].path == QUESTIONS:
            found[f"generate_{body['topic']}_questions"] = calls
        elif calls[0].path == DOCUMENTS:
            found[f"create_{body['document_type']}"] = calls
        elif calls[0].path == STORE:
            found[f"store_{body['documents'][0]['type']}"] = calls
    return found


class TestNight:
    """The nightly workflow: 503 on the first call of each path, 429, a cut in the middle of a body, a stall."""

    def test_it_ends_in_success(self, ended: Run, night_api: StandIn) -> None:
        """The run succeeds, and the API holds each of its 48 questions and three documents once."""
        assert ended.wait() == "success"
        state = night_api.state()
        assert len(state["questions"]) == 48
        assert sorted(document["document_type"] for document in state["documents"]) == [
            "answer_key",
            "teaching_notes",
            "worksheet",
        ]
        assert {tuple(sorted(stored["versions"])) for stored in state["stored"]} == {("student", "teacher")}
        assert state["partial_results"] == []

    def test_every_fault_was_met_once(self, ended: Run, night_api: StandIn) -> None:
        """The API has seen its faults, and no call beyond what they made necessary."""
        ledger = night_api.ledger()
        faults = [call.fault for call in ledger.to(QUESTIONS) if call.fault]
        assert faults == ["status 503", "status 429", "cut body", "stall 2"]
        assert ledger.counts() == {QUESTIONS: 6 + 4, DOCUMENTS: 3 + 1, STORE: 3 + 1, WEBHOOK: 1 + 1}

    def test_calls_are_exactly_the_attempts(self, ended: Run, night_api: StandIn) -> None:
        """Each call was made as often as its task's state has attempts, and got the status that the record has."""
        seen = _by_task(ended, night_api)
        assert set(seen) == set(CALLS) - {"notify"}
        for task_id, calls in seen.items():
            recorded = [(each["attempt"], each["status"]) for each in ended.attempts(task_id)]
            answered = [None if call.fault in {"cut body", "stall 2"} else call.status for call in calls]
            heard = [200 if call.fault == "cut body" else status for call, status in zip(calls, answered, strict=True)]
            assert [number for number, _ in recorded] == list(range(1, len(calls) + 1)), task_id
            assert [status for _, status in recorded] in (answered, heard), task_id

    def test_a_retry_has_the_first_key(self, ended: Run, night_api: StandIn) -> None:
        """All attempts of a step carry one key, each step's is another one, and no POST went without."""
        ledger = night_api.ledger()
        assert all(call.key for call in ledger.calls if call.path != WEBHOOK)
        assert len(ledger.attempts()) == 12
        assert ledger.retries() == 6
        assert len({call.header("webhook-id") for call in ledger.to(WEBHOOK)}) == 1

    def test_every_call_names_its_run(self, ended: Run, night_api: StandIn) -> None:
        """Every call carries the run's id, and none says that it was scheduled: a person began this run."""
        calls = night_api.ledger().calls
        assert {call.instance for call in calls} == {ended.run_id}
        assert [call for call in calls if call.header("X-Gimme-AI-Scheduled") is not None] == []

    def test_a_record_tells_why_and_what_next(self, ended: Run, night_api: StandIn) -> None:
        """The records of the attempts tell reason and wait; the API's own wish is kept, whatever the backoff says."""
        records = [each for task_id in CALLS for each in ended.attempts(task_id)]
        refused = next(each for each in records if each["status"] == 429)
        assert refused["wait_seconds"] >= 2
        assert "2 s" in refused["reason"]
        timed_out = next(each for each in records if each["status"] is None and each["reason"].startswith("timeout"))
        assert timed_out["ms"] >= 1400
        assert {each["reason"] for each in records if each["wait_seconds"] is None} == {"done"}
        assert all(each["bytes"] > 0 for each in records if each["reason"] == "done")

    def test_one_line_per_call(self, ended: Run, night_api: StandIn) -> None:
        """The logs of a task have one line per call: method, URL, status, time, attempt, what is next and why."""
        for task_id, calls in _by_task(ended, night_api).items():
            start_of_line = f"POST {night_api.url}{CALLS[task_id]} → "
            lines = [line for line in ended.whole_log(task_id) if line.startswith(start_of_line)]
            assert len(lines) == len(calls), task_id
            for number, line in enumerate(lines, start=1):
                assert re.search(rf"→ (\d+|no answer) in \d+ ms, [\d,]+ bytes, attempt {number}\b", line), line
            assert all("tried again in" in line for line in lines[:-1])

    def test_the_result_is_the_runs(self, ended: Run) -> None:
        """The workflow's outputs are the Dag's result."""
        result = ended.xcom("result")
        assert (result["question_count"], result["missing_topics"], len(result["documents"])) == (48, [], 3)

    def test_its_end_is_told_once_and_signed(self, ended: Run, night_api: StandIn) -> None:
        """The webhook that the API took is signed, and tells of every step."""
        (delivery,) = night_api.deliveries()
        assert delivery.signed is True
        assert (delivery.body["type"], delivery.body["data"]["run_id"]) == ("run.succeeded", ended.run_id)
        assert {step["status"] for step in delivery.body["data"]["steps"]} == {"success", "skipped"}


class TestSeed:
    """The document's own file, but for its host."""

    def test_it_fails_at_the_first_post_without_retry(self, ended: Run, seed_night: Run, seed_api: StandIn) -> None:
        """Steps with `retry` go on after a 503, those without fail the run, and nothing after them is called."""
        assert seed_night.wait() == "failed"
        assert seed_night.states() == {
            "generate_algebra_questions": "success",
            "generate_geometry_questions": "success",
            "create_worksheet": "success",
            "create_answer_key": "failed",
            "create_teaching_notes": "failed",
            "store_documents": "upstream_failed",
            "notify": "success",
            "outcome": "failed",
        }
        assert seed_api.ledger().counts() == {QUESTIONS: 2 * 2, DOCUMENTS: 2 + 1 + 1, WEBHOOK: 1}

    def test_it_says_how_to_allow_a_retry(self, seed_night: Run) -> None:
        """The record and the log of the failed call name the two ways to allow another attempt."""
        seed_night.wait()
        (record,) = seed_night.attempts("create_answer_key")
        assert record["status"] == 503
        advice = "write 'retry' at the step, or 'idempotency: supported' if the API processes a key once"
        assert advice in record["reason"]
        assert [line for line in seed_night.whole_log("create_answer_key") if advice in line]

    def test_without_faults_it_succeeds(self, seed_night: Run, seed_api: StandIn) -> None:
        """The same file runs to its end as soon as the API does."""
        seed_night.wait()
        seed_api.reset()
        again = start(seed_night.airflow, SEED)
        assert again.wait() == "success"
        assert seed_api.ledger().counts() == {QUESTIONS: 2, DOCUMENTS: 3, STORE: 1, WEBHOOK: 1}
        assert seed_api.ledger().retries() == 0

    def test_its_next_run_is_at_two_in_singapore(self, dropped: AirflowInstance) -> None:
        """A plain cron expression is in UTC: the next run is 18:00 UTC, which is 02:00 in Singapore."""
        after = datetime.fromisoformat(dropped.get(f"dags/{SEED}")["next_dagrun_run_after"])
        assert after.astimezone(UTC).strftime("%H:%M") == "18:00"
        assert 0 < (after - datetime.now(UTC)).total_seconds() <= 24 * 3600


class TestTogether:
    def test_a_group_is_bounded_over_two_runs(self, dropped: AirflowInstance, busy_api: StandIn, ended: Run) -> None:
        """No more than `max_parallel` calls are ever open at once, with two runs at the same time too."""
        busy_api.fail("/api/documents", nth=None, stall=1)
        runs = [start(dropped, "busy_group") for _ in range(2)]
        assert [run.wait() for run in runs] == ["success", "success"]
        ledger = busy_api.ledger()
        ours = [call for call in ledger.calls if call.instance in {run.run_id for run in runs}]
        assert len(ours) == 8
        assert _most_open(ours) == 2
        assert ours[0].instance != ours[-1].instance

    def test_a_scheduled_run_says_so(self, dropped: AirflowInstance, workflows: Path, busy_api: StandIn) -> None:
        """Every call of a run that the schedule began carries the header of scheduled runs."""
        drop(dropped, workflows, {"ticking": own_text("ticking", busy_api.url)})

        def look() -> Call | None:
            calls = busy_api.calls("/api/documents")
            return next((call for call in calls if (call.instance or "").startswith("scheduled__")), None)

        call = dropped.wait(look, "a call of a scheduled run", PATIENCE)
        dropped.patch("dags/ticking", {"is_paused": True})
        assert call.header("X-Gimme-AI-Scheduled") == "true"


def _most_open(calls: list[Call]) -> int:
    """Return how many of these calls were open at once at most."""
    moments = [(call.opened, 1) for call in calls] + [(call.closed or float("inf"), -1) for call in calls]
    count = most = 0
    for _, step in sorted(moments):
        count += step
        most = max(most, count)
    return most
