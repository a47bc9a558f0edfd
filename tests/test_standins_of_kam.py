"""KAM, the orchestrator and the granulator behave as the integration's document says, and ask for its credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import aiohttp
import pytest

from tests.standins import StandIn

TOKEN = "the-network's-token-0123456789"
AS_ORCHESTRATOR = {"Authorization": f"Bearer {TOKEN}", "X-Worker-ID": "bitware-orchestrator-v2"}
FIRST, SECOND = "bitware-content-granulator", "bitware-content-granulator-2"
ORDER = {"templateName": "course", "input": {"topic": "AI Development"}}
RUN = {"requestId": "req_1", "templateName": "course", "stages": [{"action": "granulate"}], "inputData": {}}


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, StandIn]]:
    names = ("kam", "orchestrator", "granulator")
    started = {name: StandIn(name, token=TOKEN) for name in names}
    yield started
    for each in started.values():
        each.close()


class Caller:
    """Calls one service and keeps nothing but status and body."""

    def __init__(self, service: StandIn, session: aiohttp.ClientSession) -> None:
        self.service = service
        self._session = session

    async def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = AS_ORCHESTRATOR
    ) -> tuple[int, Any]:
        async with self._session.request(method, self.service.url + path, json=body, headers=headers) as response:
            return response.status, await response.json()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def _caller(name: str, services: dict[str, StandIn], session: aiohttp.ClientSession) -> Caller:
    services[name].reset()
    return Caller(services[name], session)


@pytest.fixture
def kam(services: dict[str, StandIn], session: aiohttp.ClientSession) -> Caller:
    return _caller("kam", services, session)


@pytest.fixture
def orchestrator(services: dict[str, StandIn], session: aiohttp.ClientSession) -> Caller:
    return _caller("orchestrator", services, session)


@pytest.fixture
def granulator(services: dict[str, StandIn], session: aiohttp.ClientSession) -> Caller:
    return _caller("granulator", services, session)


def as_client(kam: Caller) -> dict[str, str]:
    return {"X-API-Key": kam.service.environment["KAM_API_KEY"]}


async def log_in(kam: Caller) -> dict[str, str]:
    """Log in and return the header that opens the dashboard."""
    named = kam.service.environment
    status, body = await kam(
        "POST", "/auth/login", {"email": named["KAM_EMAIL"], "password": named["KAM_PASSWORD"]}, {}
    )
    assert (status, body["expiresIn"]) == (200, 3600)
    return {"x-bitware-session-token": body["token"]}


WRONG: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": "Bearer nonsense", "X-Worker-ID": "test-worker"},
    {"Authorization": f"Bearer {TOKEN}"},
)


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize(
    "service,path",
    [("kam", "/api/master-templates/course"), ("orchestrator", "/api/queue"), ("granulator", "/api/jobs/exec_1")],
)
async def test_workers_show_a_token_and_their_name(
    services: dict[str, StandIn], session: aiohttp.ClientSession, service: str, path: str, headers: dict[str, str]
) -> None:
    """Without the token, with a wrong one, or without `X-Worker-ID` the answer is 401."""
    status, body = await _caller(service, services, session)("GET", path, headers=headers)
    assert (status, body["error"]["code"]) == (401, "unauthorized")


class TestKam:
    async def test_a_strange_worker_is_refused(self, kam: Caller) -> None:
        """The token alone is not enough: the worker has to be one that KAM knows."""
        status, _ = await kam("GET", "/api/master-templates/course", headers={**AS_ORCHESTRATOR, "X-Worker-ID": "x"})
        assert status == 403

    async def test_templates_come_by_name(self, kam: Caller) -> None:
        """A template has stages; one that is not there is said not to be."""
        status, body = await kam("GET", "/api/master-templates/course")
        assert (status, body["name"], [stage["action"] for stage in body["stages"]]) == (200, "course", ["granulate"])
        status, body = await kam("GET", "/api/master-templates/nothing")
        assert (status, body["error"]["message"]) == (404, "Template not found: nothing")

    async def test_a_client_orders_what_it_may(self, kam: Caller) -> None:
        """By its key; what its subscription does not hold is 403, what it ordered can be read by it alone."""
        assert (await kam("POST", "/requests", ORDER))[0] == 401
        assert (await kam("POST", "/requests", ORDER, {"X-API-Key": TOKEN}))[0] == 401
        assert (await kam("POST", "/requests", {**ORDER, "templateName": "film"}, as_client(kam)))[0] == 403
        status, body = await kam("POST", "/requests", ORDER, as_client(kam))
        assert (status, body["status"], body["priority"], body["clientId"]) == (201, "pending", 5, "client_1")
        assert await kam("GET", f"/requests/{body['requestId']}", headers=as_client(kam)) == (200, body)
        assert (await kam("GET", f"/requests/{body['requestId']}"))[0] == 401

    async def test_workers_tell_the_end_of_an_order_once(self, kam: Caller) -> None:
        """A client cannot, and an order that has ended stays as it is."""
        await kam("POST", "/requests", ORDER, as_client(kam))
        end = {"status": "failed", "error": "no worker"}
        assert (await kam("PATCH", "/requests/req_1", end, as_client(kam)))[0] == 401
        assert (await kam("PATCH", "/requests/req_1", end))[0] == 200
        assert (await kam("PATCH", "/requests/req_1", {"status": "completed"}))[0] == 409
        assert kam.service.state()["requests"][0]["error"] == "no worker"
        assert (await kam("PATCH", "/requests/req_2", end))[0] == 404

    async def test_the_dashboard_opens_to_a_session(self, kam: Caller) -> None:
        """Neither a client's key nor a worker's token opens it; a page of clients says whether there are more."""
        assert (await kam("GET", "/clients", headers={**as_client(kam), **AS_ORCHESTRATOR}))[0] == 401
        assert (await kam("POST", "/auth/login", {"email": "a@b.c", "password": "wrong"}, {}))[0] == 401
        status, body = await kam("GET", "/clients?page=2&limit=3", headers=await log_in(kam))
        assert (status, [client["clientId"] for client in body["clients"]]) == (200, ["client_4", "client_5"])
        assert body["pagination"] == {"page": 2, "limit": 3, "total": 5, "totalPages": 2, "hasNext": False}

    async def test_a_session_ends(self, kam: Caller) -> None:
        """After its time, or as many calls as are set, it is 401; a new login opens a new one."""
        kam.service.configure(session_calls=1)
        session = await log_in(kam)
        answers = [await kam("GET", "/clients", headers=session) for _ in range(2)]
        assert [status for status, _ in answers] == [200, 401]
        assert answers[1][1]["error"]["code"] == "session_expired"
        assert (await kam("GET", "/clients", headers=await log_in(kam)))[0] == 200
        kam.service.configure(session_calls=None, session_seconds=0)
        assert (await kam("GET", "/clients", headers=session))[0] == 401

    async def test_only_an_admin_sees_the_clients(self, kam: Caller) -> None:
        """A user with another role is logged in, and refused."""
        kam.service.configure(role="viewer")
        assert (await kam("GET", "/clients", headers=await log_in(kam)))[0] == 403


class TestOrchestrator:
    async def test_the_documents_own_try(self, orchestrator: Caller) -> None:
        """The execution that the document queues for a test is one; a worker that is not registered may not."""
        named = {**AS_ORCHESTRATOR, "X-Worker-ID": "test-worker"}
        status, body = await orchestrator("POST", "/api/test/queue-execution", {}, named)
        assert (status, body["executionId"]) == (202, "exec_1")
        named["X-Worker-ID"] = "nobody"
        assert (await orchestrator("POST", "/api/test/queue-execution", {}, named))[0] == 403

    async def test_the_most_urgent_goes_first(self, orchestrator: Caller) -> None:
        """Beyond the slots executions wait; a free slot goes to the highest priority, of equals to the first."""
        orchestrator.service.configure(slots=1)
        for priority in (1, 5, 9, 5):
            await orchestrator("POST", "/api/pipelines/execute", {**RUN, "priority": priority})
        _, shown = await orchestrator("GET", "/api/queue")
        assert [entry["executionId"] for entry in shown["queue"]] == ["exec_3", "exec_2", "exec_4"]
        assert shown["running"] == ["exec_1"]
        for execution in ("exec_1", "exec_3", "exec_2"):
            assert (await orchestrator("POST", f"/api/executions/{execution}/cancel", {}))[0] == 200
        assert orchestrator.service.state()["started"] == ["exec_1", "exec_3", "exec_2", "exec_4"]
        assert (await orchestrator("GET", "/api/executions/exec_4"))[1]["status"] == "running"
        assert (await orchestrator("POST", "/api/executions/exec_1/cancel", {}))[0] == 409

    async def test_stages_run_one_after_the_other(self, orchestrator: Caller) -> None:
        """A stage is given to a worker when those before it are completed; the last one completes the execution."""
        stages = [{"action": "granulate"}, {"action": "validate"}]
        _, execution = await orchestrator("POST", "/api/pipelines/execute", {**RUN, "stages": stages})
        ids = [stage["stageId"] for stage in execution["stages"]]
        packets = [{"executionId": "exec_1", "stageId": name, "workerId": FIRST, "accepted": True} for name in ids]
        assert (await orchestrator("POST", "/api/handshake", packets[1]))[0] == 409
        for packet in packets:
            assert (await orchestrator("POST", "/api/handshake", packet))[0] == 201
            end = {"status": "completed", "qualityScore": 92, "reference": {"path": "a"}}
            path = f"/api/executions/exec_1/stages/{packet['stageId']}/complete"
            assert [(await orchestrator("POST", path, end))[0] for _ in range(2)] == [200, 409]
        assert orchestrator.service.state()["executions"][0]["status"] == "completed"
        assert orchestrator.service.state()["references"] == {name: {"path": "a"} for name in ids}
        assert len(orchestrator.service.state()["packets"]) == 2

    async def test_a_full_worker_cannot_accept_new_tasks(self, orchestrator: Caller) -> None:
        """Nor can one that is not registered; a stage that has ended makes room."""
        _, registry = await orchestrator("GET", "/api/workers")
        orchestrator.service.configure(workers=[{**registry["workers"][0], "max_concurrent_executions": 1}])
        answers = []
        for number, worker in enumerate((FIRST, FIRST, SECOND), start=1):
            await orchestrator("POST", "/api/pipelines/execute", RUN)
            packet = {"executionId": f"exec_{number}", "stageId": f"stage_{number}_1", "workerId": worker}
            answers.append(await orchestrator("POST", "/api/handshake", {**packet, "accepted": True}))
        assert [status for status, _ in answers] == [201, 503, 503]
        assert answers[1][1]["error"]["message"] == "Worker cannot accept new tasks"
        assert (await orchestrator("GET", "/api/workers"))[1]["workers"][0]["active_executions"] == 1
        end = {"status": "failed", "error": "it broke"}
        _, whole = await orchestrator("POST", "/api/executions/exec_1/stages/stage_1_1/complete", end)
        assert (whole["status"], whole["stages"][0]["error"]) == ("failed", "it broke")
        assert (await orchestrator("GET", "/api/workers"))[1]["workers"][0]["active_executions"] == 0


class TestGranulator:
    OFFER: Mapping[str, Any] = {
        "executionId": "test_123",
        "inputData": {"topic": "Test Topic", "structure_type": "course"},
    }

    async def accept(self, granulator: Caller, **asked: str) -> int:
        """Offer work and say to process it; return the status of that."""
        await granulator("POST", "/api/handshake", {**self.OFFER, "inputData": asked})
        status, _ = await granulator("POST", "/api/process", {"executionId": "test_123"})
        return status

    async def test_the_documents_own_handshake(self, granulator: Caller) -> None:
        """The handshake that the document tries is accepted, as it says."""
        status, body = await granulator("POST", "/api/handshake", self.OFFER)
        assert (status, body["accepted"], body["workerId"]) == (200, True, FIRST)
        assert body["resourceRequirements"] == {"cpu": 0.5, "memory": 256, "apiCalls": 2}

    async def test_processing_can_be_answered_with_the_result(self, granulator: Caller) -> None:
        """As the document shows it: the structure, its score, and what it took."""
        granulator.service.configure(at_once=True)
        await granulator("POST", "/api/handshake", self.OFFER)
        status, body = await granulator("POST", "/api/process", {"executionId": "test_123"})
        assert (status, body["status"], body["result"]["qualityScore"]) == (200, "completed", 92)
        assert body["metrics"] == {"tokensUsed": 1500, "processingTimeMs": 15000, "costUsd": 0.003}
        assert body["result"]["structure"]["title"] == "Test Topic"

    async def test_the_end_of_the_progress_has_all_but_the_structure(self, granulator: Caller) -> None:
        """What keeps progress is small; the structure is in the job's details, as large as it may be."""
        granulator.service.configure(chapters=300, polls=1)
        assert await self.accept(granulator, topic="Test Topic") == 202
        _, told = await granulator("GET", "/api/progress/test_123")
        assert (told["status"], told["percent"], told["result"]) == ("completed", 100, {"jobId": 1, "qualityScore": 92})
        _, job = await granulator("GET", "/api/jobs/test_123")
        assert len(job["result"]["structure"]["chapters"]) == 300

    @pytest.mark.parametrize(
        "asked,found",
        [
            ({"template_name": "quiz", "structure_type": "course"}, "quiz"),
            ({"template_name": "mine", "structure_type": "course"}, "course"),
            ({"template_name": "course_for_children", "structure_type": "story"}, "course"),
            ({"template_name": "film", "structure_type": "film"}, None),
        ],
    )
    async def test_templates_are_found_by_name_by_type_and_in_part(
        self, granulator: Caller, asked: dict[str, str], found: str | None
    ) -> None:
        """In this order; where none fits, the work fails and says so."""
        granulator.service.configure(polls=1)
        await self.accept(granulator, **asked)
        _, told = await granulator("GET", "/api/progress/test_123")
        _, job = await granulator("GET", "/api/jobs/test_123")
        assert told["status"] == ("completed" if found else "failed")
        assert (
            (job["result"]["structure"]["type"] == found)
            if found
            else (job["error"]["message"] == "Template not found: film")
        )

    async def test_it_takes_no_more_than_it_can(self, granulator: Caller) -> None:
        """An offer beyond that is refused, until work is done or cancelled; only who offered it may do so."""
        granulator.service.configure(most=1)
        assert await self.accept(granulator, topic="Test Topic") == 202
        _, refused = await granulator("POST", "/api/handshake", {**self.OFFER, "executionId": "exec_2"})
        assert (refused["accepted"], refused["reason"]) == (False, "Worker cannot accept new tasks")
        stranger = {**AS_ORCHESTRATOR, "X-Worker-ID": "test-worker"}
        assert (await granulator("DELETE", "/api/jobs/test_123", headers=stranger))[0] == 403
        assert (await granulator("DELETE", "/api/jobs/test_123"))[1]["status"] == "cancelled"
        assert (await granulator("DELETE", "/api/jobs/test_123"))[0] == 409
        assert (await granulator("POST", "/api/handshake", {**self.OFFER, "executionId": "exec_2"}))[1]["accepted"]


async def test_a_fault_can_be_that_of_one_run(orchestrator: Caller) -> None:
    """Of runs side by side only the one that is named meets it."""
    orchestrator.service.fail("/api/queue", run="broken*", nth=None, status=502)
    named = [{**AS_ORCHESTRATOR, "X-Workflow-Instance": run} for run in ("broken_1", "fine", "broken_2")]
    named.append(AS_ORCHESTRATOR)
    assert [(await orchestrator("GET", "/api/queue", headers=each))[0] for each in named] == [502, 200, 502, 200]
