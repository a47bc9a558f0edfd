"""The stand-ins behave as their documents say, write down exactly what they got, and go wrong exactly as told."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.standins import StandIn
from tests.standins.process import ROOT
from tests.standins.webhooks import sign

QUESTIONS = "/api/questions/generate"
DOCUMENTS = "/api/documents/generate"
STORE = "/api/documents/store"
WEBHOOK = "/webhooks/workflow_complete"
ALGEBRA = {"topic": "algebra", "count": 2, "grade_level": 9, "quality_threshold": 0.75}


@pytest.fixture(scope="module")
def started() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def api(started: StandIn) -> StandIn:
    started.reset()
    return started


@pytest.fixture
async def client(api: StandIn) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {api.token}"}
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(api.url, headers=headers, timeout=timeout) as session:
        yield session


async def post(client: aiohttp.ClientSession, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.post(path, json=body, headers=named) as response:
        return response.status, await response.json()


async def new_questions(client: aiohttp.ClientSession) -> list[str]:
    _, body = await post(client, QUESTIONS, ALGEBRA)
    return [question["question_id"] for question in body["questions"]]


class TestDerivativ:
    async def test_questions_come_as_asked(self, client: aiohttp.ClientSession) -> None:
        """As many questions of the topic as asked for, each with an id of its own and a score over the threshold."""
        status, body = await post(client, QUESTIONS, ALGEBRA)
        assert (status, body["topic"], body["count"]) == (200, "algebra", 2)
        assert len({question["question_id"] for question in body["questions"]}) == 2
        assert all(question["quality_score"] >= 0.75 for question in body["questions"])
        async with client.get(f"/api/questions/{body['questions'][1]['question_id']}") as response:
            assert await response.json() == body["questions"][1]

    async def test_documents_are_stored_in_two_versions(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A worksheet stored in dual versions can be read as the student's and the teacher's, in its formats."""
        ids = await new_questions(client)
        status, document = await post(client, DOCUMENTS, {"document_type": "worksheet", "question_ids": ids})
        assert (status, document["question_count"]) == (201, 2)
        entry = {"id": document["document_id"], "type": "worksheet", "formats": ["pdf", "html"]}
        status, body = await post(client, STORE, {"documents": [entry], "create_dual_versions": True})
        assert (status, body["count"]) == (201, 1)
        assert api.state()["stored"] == body["stored"]
        async with client.get(f"/api/documents/{document['document_id']}") as response:
            versions = (await response.json())["versions"]
        assert sorted(versions) == ["student", "teacher"]
        async with client.get(versions["teacher"]["pdf"]) as response:
            assert response.content_type == "application/pdf"
            assert (await response.read()).startswith(b"%PDF")

    async def test_partial_results_are_kept_with_their_run(self, client: aiohttp.ClientSession) -> None:
        """Partial results are saved under the run that sent them and can be read again."""
        body = {"question_ids": await new_questions(client), "missing_topics": ["geometry"], "reason": "one failed"}
        status, saved = await post(client, "/api/results/partial", body, X_Workflow_Instance="run-1")
        assert (status, saved["workflow_instance"]) == (201, "run-1")
        async with client.get("/api/results/partial") as response:
            assert await response.json() == {"partial_results": [saved]}

    @pytest.mark.parametrize("token", [None, "Bearer nonsense", "Basic YTpi"])
    async def test_the_bearer_token_is_asked_for(self, api: StandIn, token: str | None) -> None:
        """Without the right token the answer is 401, and nothing is generated."""
        headers = {"Authorization": token} if token else {}
        async with aiohttp.ClientSession(api.url, headers=headers) as session:
            status, body = await post(session, QUESTIONS, ALGEBRA)
        assert (status, body["error"]["code"]) == (401, "unauthorized")
        assert api.state()["questions"] == []

    @pytest.mark.parametrize(
        "path,body,status,words",
        [
            (QUESTIONS, {"topic": "algebra"}, 422, "count is required"),
            (QUESTIONS, {"topic": "algebrra", "count": 2}, 422, "topic must be one of algebra, geometry"),
            (QUESTIONS, {"topic": "algebra", "count": "2"}, 422, "count must be an integer from 1 to 50, not '2'"),
            (QUESTIONS, {"topic": "algebra", "count": True}, 422, "count must be an integer"),
            (QUESTIONS, {"topic": "algebra", "count": 2, "colour": 1}, 422, "colour is unknown"),
            (QUESTIONS, {**ALGEBRA, "quality_threshold": 1.1}, 422, "quality_threshold must be a number from 0 to 1"),
            (QUESTIONS, [], 400, "not a JSON object"),
            (DOCUMENTS, {"document_type": "worksheet", "question_ids": []}, 422, "must not be an empty list"),
            (DOCUMENTS, {"document_type": "poster", "question_ids": ["q"]}, 422, "document_type must be one of"),
            (DOCUMENTS, {"document_type": "worksheet", "question_ids": ["q-9"]}, 422, "q-9 is not known"),
            (DOCUMENTS, {"document_type": "worksheet", "question_ids": ["q", 7]}, 422, "[1] must be text"),
            (STORE, {"documents": [{"id": "d"}]}, 422, "type is required"),
            (STORE, {"documents": [{"id": "d", "type": "worksheet", "formats": ["pdf"]}]}, 422, "d is not known"),
            ("/api/nothing", {}, 404, "nothing at /api/nothing"),
            ("/api/documents", {}, 405, "takes GET, not POST"),
        ],
    )
    async def test_a_wrong_request_is_refused(
        self, client: aiohttp.ClientSession, path: str, body: Any, status: int, words: str
    ) -> None:
        """What is wrong with a request is answered with 4xx and said in words."""
        answered, error = await post(client, path, body)
        assert answered == status
        assert words in error["error"]["message"]

    async def test_every_problem_of_a_body_is_listed(self, client: aiohttp.ClientSession) -> None:
        """All wrong fields of one body are in the details of one answer."""
        _, error = await post(client, QUESTIONS, {"topic": 1, "grade_level": 99})
        assert [detail["field"] for detail in error["error"]["details"]] == ["count", "topic", "grade_level"]

    @pytest.mark.parametrize("content_type,status", [("text/plain", 415), ("application/json", 400)])
    async def test_what_is_not_json_is_refused(
        self, client: aiohttp.ClientSession, content_type: str, status: int
    ) -> None:
        """A body that says it is something else is 415; one that is broken is 400."""
        async with client.post(QUESTIONS, data=b'{"topic":', headers={"Content-Type": content_type}) as response:
            assert response.status == status

    async def test_settings_change_how_it_works(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """Work takes the time set, and questions have the score set, until a reset."""
        api.configure(question_seconds=0.05, quality=0.4)
        _, body = await post(client, QUESTIONS, ALGEBRA)
        assert body["average_quality_score"] == 0.4
        seconds = api.calls(QUESTIONS)[0].seconds
        assert seconds is not None
        assert seconds >= 0.1
        with pytest.raises(ValueError, match="no such setting: qualty; there are document_seconds"):
            api.configure(qualty=1)


class TestIdempotency:
    async def test_the_same_key_gets_the_same_answer(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A request repeated under its key is answered as before, done once, and the ledger tells both calls."""
        first = await post(client, QUESTIONS, ALGEBRA, Idempotency_Key="k1")
        assert await post(client, QUESTIONS, ALGEBRA, Idempotency_Key="k1") == first
        assert len(api.state()["questions"]) == 2
        ledger = api.ledger()
        assert [call.replayed for call in ledger.attempts()["k1"]] == [False, True]
        assert ledger.retries() == 1

    async def test_without_a_key_work_is_done_again(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """Sent twice without a key, questions are generated twice."""
        assert await new_questions(client) != await new_questions(client)
        assert len(api.state()["questions"]) == 4

    async def test_a_key_belongs_to_one_request(self, client: aiohttp.ClientSession) -> None:
        """The key of one request under another one is refused."""
        await post(client, QUESTIONS, ALGEBRA, Idempotency_Key="k1")
        status, body = await post(client, QUESTIONS, {**ALGEBRA, "topic": "geometry"}, Idempotency_Key="k1")
        assert (status, body["error"]["code"]) == (422, "idempotency_key_reused")

    async def test_a_refusal_is_not_kept(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """After an answer of 4xx the key is free again."""
        body = {"document_type": "worksheet", "question_ids": ["q-algebra-00001"]}
        assert (await post(client, DOCUMENTS, body, Idempotency_Key="k1"))[0] == 422
        await new_questions(client)
        assert (await post(client, DOCUMENTS, body, Idempotency_Key="k1"))[0] == 201

    async def test_work_goes_on_without_its_caller(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A caller who went away and comes back with its key gets the work that was begun for it, once."""
        api.configure(question_seconds=0.1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post(client, QUESTIONS, ALGEBRA, Idempotency_Key="k1"), 0.05)
        status, _ = await post(client, QUESTIONS, ALGEBRA, Idempotency_Key="k1")
        first, second = api.calls(QUESTIONS)
        assert (first.cut, first.status) == (True, None)
        assert (second.cut, second.status, second.replayed, status) == (False, 200, True, 200)
        assert len(api.state()["questions"]) == 2


class TestLedger:
    async def test_it_loses_nothing_of_a_call(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """Method, path, query, every header (repeated ones too) and the body are as they were sent."""
        headers = [("X-Twice", "1"), ("X-Twice", "2"), ("X-Workflow-Instance", "run-1")]
        before = time.monotonic()
        async with client.post("/api/a%2Fb/é?x=1&x=%20", data="ü{", headers=headers) as response:
            assert response.status == 404
        (call,) = api.ledger().calls
        assert (call.method, call.path, call.query) == ("POST", "/api/a/b/é", "x=1&x=%20")
        assert call.target == "/api/a%2Fb/%C3%A9?x=1&x=%20"
        assert (call.headers_named("X-Twice"), call.instance, call.body) == (["1", "2"], "run-1", "ü{")
        assert call.headers[0] == ("Host", api.url.removeprefix("http://"))
        assert call.closed is not None
        assert before <= call.opened <= call.closed <= time.monotonic()
        assert (call.status, call.cut, call.fault) == (404, False, "")

    async def test_it_counts_what_is_open_at_once(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """The most calls open at once are counted over all, by path, by run, and by both."""
        api.configure(question_seconds=0.1, document_seconds=0.1)
        questions = [post(client, QUESTIONS, ALGEBRA, X_Workflow_Instance=run) for run in ("a", "a", "b")]
        lists = [client.get("/api/documents") for _ in range(3)]
        await asyncio.gather(*questions)
        for each in lists:
            async with each as response:
                await response.read()
        ledger = api.ledger()
        assert ledger.most_open() == ledger.most_open(QUESTIONS) == 3
        assert (ledger.most_open(QUESTIONS, "a"), ledger.most_open(instance="b")) == (2, 1)
        assert ledger.most_open("/api/documents") == 1
        assert ledger.counts() == {QUESTIONS: 3, "/api/documents": 3}
        assert ledger.open_now() == ()

    async def test_calls_one_after_the_other_are_never_open_together(
        self, client: aiohttp.ClientSession, api: StandIn
    ) -> None:
        """Who sends the next call when the last answer is there has one call open, not two."""
        api.configure(question_seconds=0)
        for _ in range(50):
            await post(client, QUESTIONS, {**ALGEBRA, "count": 50})
        assert api.ledger().most_open() == 1

    async def test_a_reset_forgets(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """After a reset there are no calls, nothing is stored, and no fault is left."""
        api.fail(nth=None, status=500)
        await post(client, QUESTIONS, ALGEBRA)
        api.reset()
        assert api.ledger().calls == ()
        assert (await post(client, QUESTIONS, ALGEBRA))[0] == 200


class TestFaults:
    async def test_the_first_call_of_each_path_fails(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A fault for every path counts each path by itself; the request it hits is not processed."""
        api.fail("/api/*", status=503)
        statuses = [(await post(client, path, ALGEBRA))[0] for path in (QUESTIONS, QUESTIONS, DOCUMENTS, DOCUMENTS)]
        assert statuses == [503, 200, 503, 422]
        assert api.ledger().statuses(QUESTIONS) == [503, 200]
        assert api.calls(QUESTIONS)[0].fault == "status 503"
        assert len(api.state()["questions"]) == 2

    async def test_the_first_attempt_of_each_call_fails(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """Counted by key, the first attempt of every call is hit, in whatever order they come."""
        api.fail(QUESTIONS, each="key", status=429, headers={"Retry-After": "7"})
        async with client.post(QUESTIONS, json=ALGEBRA, headers={"Idempotency-Key": "k1"}) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
        statuses = [(await post(client, QUESTIONS, ALGEBRA, Idempotency_Key=key))[0] for key in ("k2", "k1", "k2")]
        assert statuses == [429, 200, 200]

    async def test_faults_take_their_turns(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """Several faults on a path each count all of its calls; the one set first wins."""
        api.fail(QUESTIONS, nth=[1, 3], status=500)
        api.fail(QUESTIONS, nth=[2, 3], status=502)
        assert [(await post(client, QUESTIONS, ALGEBRA))[0] for _ in range(4)] == [500, 502, 500, 200]

    async def test_one_topic_fails(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A fault can be about the requests of one topic alone."""
        api.fail(QUESTIONS, where={"topic": "geometry"}, nth=None, status=500)
        topics = ("algebra", "geometry", "geometry")
        assert [(await post(client, QUESTIONS, {**ALGEBRA, "topic": topic}))[0] for topic in topics] == [200, 500, 500]

    async def test_processed_all_the_same(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """It can do the work and say that it has not."""
        api.fail(QUESTIONS, status=500, processed=True)
        assert (await post(client, QUESTIONS, ALGEBRA))[0] == 500
        assert len(api.state()["questions"]) == 2

    @pytest.mark.parametrize(
        "cut,error", [("headers", aiohttp.ClientConnectionError), ("body", aiohttp.ClientPayloadError)]
    )
    async def test_the_connection_breaks(
        self, client: aiohttp.ClientSession, api: StandIn, cut: Any, error: type[Exception]
    ) -> None:
        """The connection breaks before the headers or in the body, after the work is done; the key finds it again."""
        api.fail(QUESTIONS, cut=cut)
        with pytest.raises(error):
            await post(client, QUESTIONS, ALGEBRA, Idempotency_Key="k1")
        await post(client, QUESTIONS, ALGEBRA, Idempotency_Key="k1")
        first, second = api.calls(QUESTIONS)
        assert (first.status, first.fault, first.cut) == (200 if cut == "body" else None, f"cut {cut}", False)
        assert second.replayed
        assert len(api.state()["questions"]) == 2

    async def test_it_stalls(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """It waits before it works, then answers as it should."""
        api.fail(QUESTIONS, stall=0.2)
        began = time.monotonic()
        assert (await post(client, QUESTIONS, ALGEBRA))[0] == 200
        assert time.monotonic() - began >= 0.2

    async def test_a_slow_body_arrives_whole(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """The headers are there at once, the body bit by bit, and all of it."""
        api.fail(QUESTIONS, slow=1.0)
        began = time.monotonic()
        async with client.post(QUESTIONS, json=ALGEBRA) as response:
            headers_seconds = time.monotonic() - began
            assert (await response.json())["count"] == 2
        assert headers_seconds < 0.9 < time.monotonic() - began

    async def test_garbage_comes_as_json(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """The body is what it was told to send, under headers that promise JSON."""
        api.fail(QUESTIONS, garbage='{"questions": [')
        async with client.post(QUESTIONS, json=ALGEBRA) as response:
            assert (response.status, response.content_type) == (200, "application/json")
            assert await response.text() == '{"questions": ['

    async def test_it_promises_more_than_it_sends(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A Content-Length beyond the body ends in a body that is not complete."""
        api.fail(QUESTIONS, lie=10)
        with pytest.raises(aiohttp.ClientPayloadError):
            await post(client, QUESTIONS, ALGEBRA)

    async def test_it_promises_less_than_it_sends(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A Content-Length below the body is followed by the whole body all the same."""
        api.fail("/api/documents", lie=-10)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
        writer.write(f"GET /api/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        assert body == '{"documents": []}'
        assert f"Content-Length: {len(body) - 10}" in head

    async def test_it_hangs_until_its_caller_goes(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """It never answers; the ledger tells when the caller gave up."""
        api.fail(QUESTIONS, hang=True)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post(client, QUESTIONS, ALGEBRA), 0.1)
        await post(client, QUESTIONS, ALGEBRA)
        hung = api.calls(QUESTIONS)[0]
        assert (hung.status, hung.cut, hung.fault) == (None, True, "hang")
        assert hung.seconds is not None
        assert hung.seconds >= 0.09

    async def test_a_reset_ends_what_hangs(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """A reset cuts the connections of calls that hang."""
        api.fail(QUESTIONS, hang=True)
        hanging = asyncio.create_task(post(client, QUESTIONS, ALGEBRA))
        while not api.ledger().open_now():  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(0.01)
        api.reset()
        with pytest.raises(aiohttp.ClientConnectionError):
            await hanging

    def test_a_wrong_fault_is_refused(self, api: StandIn) -> None:
        """A fault that there is not is an error that lists those there are."""
        with pytest.raises(ValueError, match="cut is one of"):
            api.fail(cut="off")  # type: ignore[arg-type]


class TestLimits:
    async def test_calls_at_once(self, client: aiohttp.ClientSession, api: StandIn) -> None:
        """One call more than may be open at once is asked to come again later."""
        api.configure(question_seconds=0.1)
        api.limit(QUESTIONS, max_open=2, retry_after=3)
        statuses = await asyncio.gather(*(post(client, QUESTIONS, ALGEBRA) for _ in range(3)))
        assert sorted(status for status, _ in statuses) == [200, 200, 429]
        assert [call.fault for call in api.calls(QUESTIONS) if call.status == 429] == ["limit"]

    @pytest.mark.parametrize(
        "scheduled,expected", [({}, [200, 200, 429]), ({"X_Gimme_AI_Scheduled": "true"}, [200] * 3)]
    )
    async def test_calls_per_second(
        self, client: aiohttp.ClientSession, api: StandIn, scheduled: dict[str, str], expected: list[int]
    ) -> None:
        """Too many calls in one second are refused, but for those of scheduled runs, as the document says."""
        api.limit("*", per_second=2)
        assert [(await post(client, QUESTIONS, ALGEBRA, **scheduled))[0] for _ in range(3)] == expected


class TestWebhooks:
    async def test_a_delivery_is_kept(self, api: StandIn) -> None:
        """A delivery needs neither token nor signature; a second one with its id is told to be a duplicate."""
        event = {"type": "run.succeeded", "data": {}}
        async with aiohttp.ClientSession(api.url) as session:
            for duplicate in (False, True):
                status, body = await post(session, WEBHOOK, event, webhook_id="e1")
                assert (status, body["duplicate"]) == (200, duplicate)
        first, second = api.deliveries()
        assert (first.id, first.signed, first.body, first.authorization) == ("e1", None, event, None)
        assert second.duplicate

    async def test_a_delivery_with_a_wrong_token_is_refused(self, api: StandIn) -> None:
        """Credentials are not asked for, but wrong ones are told."""
        async with aiohttp.ClientSession(api.url, headers={"Authorization": "Bearer nonsense"}) as session:
            assert (await post(session, WEBHOOK, {}))[0] == 401
        assert api.deliveries() == []

    @pytest.mark.parametrize(
        "change,status,signed",
        [
            ({}, 200, True),
            ({"id": "e2"}, 401, False),
            ({"age": 400}, 401, False),
            ({"secret": "whsec_AAAA"}, 401, False),
        ],
    )
    async def test_signatures_are_checked(
        self, client: aiohttp.ClientSession, api: StandIn, change: dict[str, Any], status: int, *, signed: bool
    ) -> None:
        """A signature must be right for this id, this time, this body and this secret."""
        body = b'{"type": "run.failed"}'
        timestamp = str(int(time.time()) - change.get("age", 0))
        signature = sign(change.get("secret", api.webhook_secret), "e1", timestamp, body)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": change.get("id", "e1"),
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,AAAA {signature}",
        }
        async with client.post(WEBHOOK, data=body, headers=headers) as response:
            assert response.status == status
        (delivery,) = api.deliveries()
        assert (delivery.signed, delivery.raw) == (signed, body.decode())
        assert delivery.authorization == f"Bearer {api.token}"

    def test_the_signature_is_that_of_the_standard(self) -> None:
        """The example of the Standard Webhooks libraries has the signature that they give it."""
        secret, webhook_id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
        signature = sign(secret, webhook_id, "1614265330", b'{"test": 2432232314}')
        assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


class TestProcess:
    def test_it_takes_what_it_is_given(self) -> None:
        """Token, secret and settings are those given, and the environment names them; it ends when told to."""
        with StandIn("hello", token="t&1", webhook_secret="whsec_AAAA") as stand_in:
            assert stand_in.environment == {
                "HELLO_API_BASE": stand_in.url,
                "HELLO_API_KEY": "t&1",
                "HELLO_WEBHOOK_SECRET": "whsec_AAAA",
            }
        with pytest.raises(ProcessLookupError):
            os.kill(stand_in.pid, 0)
        stand_in.close()

    async def test_settings_stay_over_a_reset(self) -> None:
        """After a reset the settings are those it was started with, not those changed later."""
        with StandIn(quality=0.4) as stand_in:
            stand_in.configure(quality=0.9)
            stand_in.reset()
            async with aiohttp.ClientSession(
                stand_in.url, headers={"Authorization": f"Bearer {stand_in.token}"}
            ) as session:
                _, body = await post(session, QUESTIONS, ALGEBRA)
            assert body["average_quality_score"] == 0.4

    def test_it_does_not_start_on_a_port_in_use(self, started: StandIn, capfd: pytest.CaptureFixture[str]) -> None:
        """A stand-in that cannot listen is an error, not a wait."""
        with pytest.raises(RuntimeError, match="has ended with 1"):
            StandIn(port=int(started.url.rpartition(":")[2]))
        assert "address already in use" in capfd.readouterr().err

    def test_it_ends_with_whoever_started_it(self) -> None:
        """A stand-in whose starter is killed ends by itself."""
        program = "import time; from tests.standins import StandIn; print(StandIn().pid, flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
            assert starter.stdout is not None
            pid = int(starter.stdout.readline())
            os.kill(starter.pid, signal.SIGKILL)
        for _ in range(100):
            if not _lives(pid):
                return
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
        pytest.fail("the stand-in outlived its starter")


class TestHello:
    async def test_a_newcomer_greets(self) -> None:
        """A user can be read and a post made, without credentials."""
        with StandIn("hello") as stand_in:
            async with aiohttp.ClientSession(stand_in.url) as session:
                async with session.get("/users/1") as response:
                    assert (await response.json())["name"] == "User 1"
                status, made = await post(session, "/posts", {"userId": 1, "title": "Hello", "body": "there"})
            assert (status, stand_in.state()["posts"]) == (201, [made])


def _lives(pid: int) -> bool:
    """Say whether a process runs; one that waits to be collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
