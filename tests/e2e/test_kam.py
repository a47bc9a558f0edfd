"""KAM, the orchestrator and the granulators on a running Airflow: what goes well, and what their document warns of.

All runs go side by side through the same services; a fault is that of one run. What each run did is told by the
services' own ledgers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, ROOT, Run, drop, set_variable
from tests.standins import Call, StandIn

pytestmark = pytest.mark.timeout(600)  # the first test waits for the runs of all

TOKEN = "kam-e2e-network/token+0123456789"
FIRST, SECOND = "bitware-content-granulator", "bitware-content-granulator-2"
REFUSED = {"accepted": False, "reason": "Worker cannot accept new tasks"}
PIPELINE, SHORT, REPORT = "content_pipeline", "content_pipeline_short", "kam_client_report"

RUNS: Mapping[str, dict[str, Any]] = {
    "fine": {"topic": "AI Development", "priority": 5},
    "troubled": {"topic": "Graphs", "priority": 9},
    "stuck": {"topic": "Sets", "priority": 7},
    "unknown_form": {"topic": "Films", "priority": 3, "template": "film", "structure_type": "film"},
    "no_template": {"topic": "Rings", "template": "lecture"},
}
"""The runs of the pipeline, by what they meet, and their inputs."""

BY_PRIORITY = ("troubled", "stuck", "fine", "unknown_form")
"""The runs that come as far as the orchestrator's queue, the most urgent first."""

ORDER = "kam POST /requests 201"
TEMPLATE = "kam GET /api/master-templates/{} {}"
EXECUTE = "orchestrator POST /api/pipelines/execute 202"
TURN = "orchestrator GET /api/executions/ID 200"
CHOICE = "orchestrator GET /api/workers 200"
OFFER = "{} POST /api/handshake 200"
BOOKED = "orchestrator POST /api/handshake 201"
PROCESS = "{} POST /api/process 202"
PROGRESS = "{} GET /api/progress/ID 200"
STRUCTURE = "{} GET /api/jobs/ID 200"
COMPLETE = "orchestrator POST /api/executions/ID/stages/ID/complete 200"
GIVE_UP = "orchestrator POST /api/executions/ID/cancel 200"
TOLD = "kam PATCH /requests/ID 200"
"""Calls: who got it, what it was, how it was answered. Of polls (TURN, PROGRESS) time makes as many as it likes."""

TO_THE_WORK = [CHOICE, OFFER.format("first"), BOOKED, PROCESS.format("first"), PROGRESS.format("first")]


@dataclass(frozen=True)
class Platform:
    """The services, and the runs that went through them."""

    services: Mapping[str, StandIn]
    runs: Mapping[str, Run]
    report: Run

    def calls(self, run: str) -> list[tuple[str, Call]]:
        """Return the calls of one run, with who got them, in order."""
        found = [(name, call) for name, each in self.services.items() for call in each.ledger().calls]
        return sorted((each for each in found if each[1].instance == run), key=lambda each: each[1].opened)

    def lines(self, run: str) -> list[str]:
        """Return the calls of one run as text, ids left out; of the polls for one thing only the first."""
        lines = [f"{name} {call.method} {_without_ids(call.path)} {call.status}" for name, call in self.calls(run)]
        polls = {TURN, *(PROGRESS.format(name) for name in self.services)}
        return [line for number, line in enumerate(lines) if line not in polls or line not in lines[:number]]

    def order(self, run: str) -> dict[str, Any]:
        """Return the order of a run, as KAM has it in the end."""
        return self._of(run, "kam", "requests", "input")

    def execution(self, run: str) -> dict[str, Any]:
        """Return the execution of a run, as the orchestrator has it in the end."""
        return self._of(run, "orchestrator", "executions", "inputData")

    def _of(self, run: str, service: str, what: str, asked: str) -> dict[str, Any]:
        topic = RUNS[run]["topic"]
        (found,) = [each for each in self.services[service].state()[what] if each[asked]["topic"] == topic]
        return dict(found)


def _without_ids(path: str) -> str:
    return re.sub(r"\b(?:req|exec|stage)_\d+(?:_\d+)?", "ID", path)


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, StandIn]]:
    started = {
        "kam": StandIn(
            "kam", token=TOKEN, may_order=["course", "quiz", "lecture", "film"], templates=["course", "film"]
        ),
        "orchestrator": StandIn("orchestrator", token=TOKEN, slots=0),
        "first": StandIn("granulator", token=TOKEN, chapters=2000),
        "second": StandIn("granulator", token=TOKEN, worker=SECOND),
    }
    yield started
    for each in started.values():
        each.close()


def _set_faults(services: Mapping[str, StandIn]) -> None:
    kam, orchestrator, first = services["kam"], services["orchestrator"], services["first"]
    kam.fail("/api/master-templates/*", run="troubled", nth=None, status=503)
    kam.fail("/clients", run="report", nth=2, status=401)
    first.fail("/api/handshake", run="troubled", nth=None, status=200, body=REFUSED)
    orchestrator.fail("/api/handshake", run="troubled", status=503, body={"error": REFUSED["reason"]})
    first.fail("/api/progress/*", run="stuck", nth=None, status=200, body={"status": "processing", "percent": 40})


@pytest.fixture(scope="module")
def platform(airflow: AirflowInstance, workflows: Path, services: dict[str, StandIn]) -> Platform:
    """Start all runs at once; when those that can are in the orchestrator's queue, let the queue go on."""
    named = {**services["kam"].environment, **services["orchestrator"].environment}
    named |= {"GRANULATOR_API_BASE": services["first"].url, "GRANULATOR_2_API_BASE": services["second"].url}
    for name, value in named.items():
        set_variable(airflow, name, value)
    _set_faults(services)
    pipeline = _text("content_pipeline")
    short = pipeline.replace(f"name: {PIPELINE}", f"name: {SHORT}").replace("timeout: 30m", "timeout: 8s")
    drop(airflow, workflows, {PIPELINE: pipeline, SHORT: short, REPORT: _text("client_report")})
    report = Run(airflow, REPORT, airflow.trigger(REPORT, run_id="report"))
    runs = {}
    for name, conf in RUNS.items():
        dag_id = SHORT if name == "stuck" else PIPELINE
        runs[name] = Run(airflow, dag_id, airflow.trigger(dag_id, conf, run_id=name))
    _open_the_queue(airflow, services["orchestrator"])
    return Platform(services, runs, report)


def _open_the_queue(airflow: AirflowInstance, orchestrator: StandIn) -> None:
    def look() -> bool | None:
        return len(orchestrator.state()["executions"]) == len(BY_PRIORITY) or None

    airflow.wait(look, "all executions in the orchestrator's queue", PATIENCE)
    orchestrator.configure(slots=10)


def _text(name: str) -> str:
    """Return a workflow with the times of a test in place of those of every day.

    Polls are not much closer: of who waits less than the scheduler takes to look around, it starts a second try.
    """
    text = (ROOT / "workflow_configs" / "kam" / f"{name}.yaml").read_text()
    text = re.sub(r"^schedule:.*$", "", text, flags=re.MULTILINE)
    return text.replace("delay: 5s", "delay: 500ms").replace("every: 5s", "every: 4s")


class TestFine:
    """An order that meets no trouble."""

    def test_each_service_is_called_as_the_document_says(self, platform: Platform) -> None:
        """The order, its template, the execution, a worker, the handshake, the work, and the end told to both."""
        assert platform.runs["fine"].wait() == "success"
        assert platform.lines("fine") == [
            ORDER,
            TEMPLATE.format("course", 200),
            EXECUTE,
            TURN,
            *TO_THE_WORK,
            STRUCTURE.format("first"),
            COMPLETE,
            TOLD,
        ]

    def test_its_result_has_score_and_metrics(self, platform: Platform) -> None:
        """The run gives them to whoever waits, and so do the orchestrator and KAM."""
        metrics = {"tokensUsed": 1500, "processingTimeMs": 15000, "costUsd": 0.003}
        result = platform.runs["fine"].result()["results"]["result"]
        assert (result["qualityScore"], result["metrics"], result["worker"]) == (92, metrics, FIRST)
        order, execution = platform.order("fine"), platform.execution("fine")
        assert (order["status"], order["qualityScore"], order["metrics"], order["error"]) == (
            "completed", 92, metrics, "",
        )  # fmt: skip
        assert (order["executionId"], order["requestId"]) == (execution["executionId"], result["requestId"])
        assert (execution["status"], execution["stages"][0]["workerId"]) == ("completed", FIRST)

    def test_its_structure_is_stored_by_reference(self, platform: Platform) -> None:
        """The file is what the granulator has; the reference is all that went through Airflow and the orchestrator."""
        run = platform.runs["fine"]
        saved = run.xcom("structure")
        stage = platform.execution("fine")["stages"][0]["stageId"]
        assert platform.services["orchestrator"].state()["references"][stage] == saved
        body = _read(platform, "fine")
        assert (saved["bytes"], saved["sha256"]) == (len(body), sha256(body).hexdigest())
        assert (run.airflow.home / "gimme_storage" / saved["path"]).read_bytes() == body
        assert len(json.loads(body)["result"]["structure"]["chapters"]) == 2000
        assert "chapters" not in json.dumps(run.xcom("granulate"))

    def test_its_progress_is_shown(self, platform: Platform) -> None:
        """The last word is in the task's XCom; the poll that told it was the trigger's, and the task made sure."""
        assert platform.runs["fine"].xcom("granulate", "progress") == 100
        polls = [call for _, call in platform.calls("fine") if call.path.startswith("/api/progress/")]
        assert len(polls) >= 3

    def test_each_caller_shows_what_it_has_to(self, platform: Platform) -> None:
        """The client's key goes to the order alone; to all else the network's token, and our name as a worker."""
        for name, call in platform.calls("fine"):
            shown = (call.header("X-API-Key") is not None, call.header("Authorization"), call.header("X-Worker-ID"))
            ordered = (name, call.path) == ("kam", "/requests")
            us = (False, f"Bearer {TOKEN}", "bitware-orchestrator-v2")
            assert shown == ((True, None, None) if ordered else us), call.target


def _read(platform: Platform, run: str) -> bytes:
    """Return what the granulator says of a run's job, read as a worker does."""
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Worker-ID": "bitware-orchestrator-v2"}
    url = f"{platform.services['first'].url}/api/jobs/{platform.execution(run)['executionId']}"
    return httpx.get(url, headers=headers, trust_env=False).raise_for_status().content


def test_the_most_urgent_begin_first(platform: Platform) -> None:
    """The orchestrator's queue goes by the priority of the order, whatever came first."""
    started = platform.services["orchestrator"].state()["started"]
    assert started == [platform.execution(run)["executionId"] for run in BY_PRIORITY]


def test_without_kam_and_the_first_worker(platform: Platform) -> None:
    """KAM is down: the built-in template. The first worker refuses each offer: the second one is asked, and works.

    The orchestrator finds it too busy once, and is asked again.
    """
    run = platform.runs["troubled"]
    assert run.wait() == "success"
    assert platform.lines("troubled") == [
        ORDER,
        *[TEMPLATE.format("course", 503)] * 2,
        EXECUTE,
        TURN,
        CHOICE,
        *[OFFER.format("first")] * 3,
        OFFER.format("second"),
        "orchestrator POST /api/handshake 503",
        BOOKED,
        PROCESS.format("second"),
        PROGRESS.format("second"),
        STRUCTURE.format("second"),
        COMPLETE,
        TOLD,
    ]
    assert (run.xcom("template", "answered_by"), run.xcom("offer", "answered_by")) == (1, 1)
    result = run.result()["results"]["result"]
    assert (result["template"], result["worker"], result["qualityScore"]) == ("built-in", SECOND, 92)
    offers = [call.key for _, call in platform.calls("troubled") if call.path == "/api/handshake"]
    assert offers[:4] == [None] * 4  # each offer is a new one
    assert offers[4] == offers[5] is not None  # booked under one key


def test_a_stage_that_is_stuck(platform: Platform) -> None:
    """Work that is not over in time is cancelled, once; orchestrator and KAM are told why, and have nothing open."""
    run = platform.runs["stuck"]
    assert run.wait() == "failed"
    cancelled = "first DELETE /api/jobs/ID 200"
    before = [ORDER, TEMPLATE.format("course", 200), EXECUTE, TURN, *TO_THE_WORK]
    assert platform.lines("stuck") == [*before, cancelled, GIVE_UP, TOLD]
    why = "the job was not over within 'poll.timeout' of 8s; the job was cancelled"
    assert (platform.order("stuck")["status"], platform.order("stuck")["error"]) == ("failed", why)
    assert (platform.execution("stuck")["status"], platform.execution("stuck")["reason"]) == ("cancelled", why)
    assert run.states()["result"] == "upstream_failed"


def test_a_template_that_the_granulator_does_not_have(platform: Platform) -> None:
    """What the worker says is what the orchestrator and the client read; nothing is stored or tried again."""
    assert platform.runs["unknown_form"].wait() == "failed"
    before = [ORDER, TEMPLATE.format("film", 200), EXECUTE, TURN, *TO_THE_WORK]
    assert platform.lines("unknown_form") == [*before, GIVE_UP, TOLD]
    order, execution = platform.order("unknown_form"), platform.execution("unknown_form")
    assert "Template not found: film" in order["error"]
    assert order["error"] == execution["reason"]
    assert (order["status"], order["executionId"]) == ("failed", execution["executionId"])


def test_a_template_that_kam_does_not_have(platform: Platform) -> None:
    """A 404 is an answer: there is no retry, no built-in template and no execution."""
    assert platform.runs["no_template"].wait() == "failed"
    assert platform.lines("no_template") == [ORDER, TEMPLATE.format("lecture", 404), TOLD]
    order = platform.order("no_template")
    assert (order["status"], order["executionId"]) == ("failed", "")
    assert order["error"] == "Template not found: KAM has none of the name 'lecture'."


def test_nothing_is_left_open(platform: Platform) -> None:
    """In the end no execution waits or runs, no stage is a worker's, and each granulator has ended its work."""
    for run in platform.runs.values():
        run.wait()
    executions = platform.services["orchestrator"].state()["executions"]
    ends = [(each["status"], stage["status"]) for each in executions for stage in each["stages"]]
    assert sorted(ends) == [("cancelled", "cancelled")] * 2 + [("completed", "completed")] * 2
    jobs = [job["status"] for name in ("first", "second") for job in platform.services[name].state()["jobs"]]
    assert sorted(jobs) == ["cancelled", "completed", "completed", "failed"]


def test_an_expired_session_is_renewed_once(platform: Platform) -> None:
    """The page that was refused is asked for again, with the token of a second login; no other page is."""
    assert platform.report.wait() == "success"
    calls = platform.services["kam"].calls("/clients")
    assert [(call.query, call.status) for call in calls] == [
        ("page=1&limit=2", 200),
        ("page=2&limit=2", 401),
        ("page=2&limit=2", 200),
        ("page=3&limit=2", 200),
    ]
    tokens = [call.header("x-bitware-session-token") for call in calls]
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]
    assert len(platform.services["kam"].calls("/auth/login")) == platform.services["kam"].state()["sessions"] == 2
    result = platform.report.result()["results"]["result"]
    assert (result["clients"], len(result["active"])) == (5, 4)
    report = platform.report
    seen = f"{report.whole_log('clients')} {report.xcom('clients')} {report.attempts('clients')}"
    hidden = [*tokens, platform.services["kam"].environment["KAM_PASSWORD"]]
    assert not any(secret in seen for secret in hidden if secret)
