"""The stand-ins that work for longer than one call behave as their documents say."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.standins import StandIn
from tests.standins.content import sign_call

DAY = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
RECAP = {"date_range": DAY, "content_type": "daily_recap"}
OFFER = {"executionId": "exec_1", "inputData": {"topic": "AI Development"}}


@pytest.fixture(scope="module")
def content() -> Iterator[StandIn]:
    with StandIn("content", items=45, polls=2) as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def worker() -> Iterator[StandIn]:
    with StandIn("granulator", refusals=1, polls=2) as stand_in:
        yield stand_in


@pytest.fixture
async def editor(content: StandIn) -> AsyncIterator[aiohttp.ClientSession]:
    content.reset()
    async with aiohttp.ClientSession(content.url) as session:
        yield session


@pytest.fixture
async def orchestrator(worker: StandIn) -> AsyncIterator[aiohttp.ClientSession]:
    worker.reset()
    headers = {"Authorization": f"Bearer {worker.token}", "X-Worker-ID": "orchestrator"}
    async with aiohttp.ClientSession(worker.url, headers=headers) as session:
        yield session


async def call(session: aiohttp.ClientSession, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with session.request("GET" if body is None else "POST", path, json=body, headers=named) as response:
        return response.status, await response.json()


async def ask(content: StandIn, session: aiohttp.ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    """Make a call that is signed."""
    now, method = str(int(time.time())), "GET" if body is None else "POST"
    sent = b"" if body is None else json.dumps(body).encode()
    signature = sign_call(content.token, now, method, path, sent)
    return await call(session, path, body, X_Timestamp=now, X_Signature=signature)


async def test_content_comes_in_pages(editor: aiohttp.ClientSession, content: StandIn) -> None:
    """Page and limit stand in the body; the last page is shorter, and the answer says that it is the last."""
    status, first = await ask(content, editor, "/api/content/generate", RECAP)
    _, last = await ask(content, editor, "/api/content/generate", {**RECAP, "page": 3, "limit": 20})
    assert (status, len(first["content_items"]), first["pagination"]["has_next"]) == (200, 20, True)
    assert [item["clip_id"] for item in last["content_items"]] == [f"clip-{number:03d}" for number in range(41, 46)]
    assert (last["pagination"]["total_pages"], last["pagination"]["has_next"]) == (3, False)
    status, refusal = await ask(content, editor, "/api/content/generate", {**RECAP, "limit": 101})
    assert (status, refusal["error"]["message"]) == (422, "limit must be an integer from 1 to 100, not 101")


async def test_content_is_made_by_a_job(editor: aiohttp.ClientSession, content: StandIn) -> None:
    """A job is queued, then completed with its items; the same key in the body is the same job."""
    asked = {**RECAP, "mode": "async", "idempotency_key": "k1"}
    (status, queued), (_, again) = [await ask(content, editor, "/api/content/generate", asked) for _ in range(2)]
    assert (status, queued["job_status"], "content_items" in queued) == (202, "queued", False)
    assert again["job_id"] == queued["job_id"]
    seen = [(await ask(content, editor, f"/api/content/jobs/{queued['job_id']}"))[1] for _ in range(2)]
    assert [each["job_status"] for each in seen] == ["processing", "completed"]
    assert len(seen[1]["content_items"]) == 20
    assert len(content.state()["jobs"]) == 1


async def test_a_job_can_fail(editor: aiohttp.ClientSession, content: StandIn) -> None:
    """A job that fails says why, and has no items."""
    content.configure(fails=True, polls=0)
    _, job = await ask(content, editor, "/api/content/generate", {**RECAP, "mode": "async"})
    assert (job["job_status"], job["error"]["code"], "content_items" in job) == ("failed", "model_unavailable", False)


async def test_a_worker_is_asked_before_it_works(orchestrator: aiohttp.ClientSession, worker: StandIn) -> None:
    """It refuses the first offer, accepts the second, processes it once, and has a result when its progress is full."""
    (_, refused), (_, accepted) = [await call(orchestrator, "/api/handshake", OFFER) for _ in range(2)]
    assert (refused["accepted"], accepted["accepted"]) == (False, True)
    assert accepted["workerId"] == "bitware-content-granulator"
    assert (await call(orchestrator, "/api/progress/exec_1"))[0] == 409
    processed = [(await call(orchestrator, "/api/process", {"executionId": "exec_1"}))[0] for _ in range(2)]
    assert processed == [202, 409]
    assert (await call(orchestrator, "/api/jobs/exec_1"))[1]["status"] == "processing"
    progress = [(await call(orchestrator, "/api/progress/exec_1"))[1]["percent"] for _ in range(2)]
    assert progress == [50, 100]
    _, job = await call(orchestrator, "/api/jobs/exec_1")
    assert (job["result"]["qualityScore"], job["metrics"]["costUsd"]) == (92, 0.003)
    assert worker.state()["offers"] == ["exec_1", "exec_1"]


async def test_credentials_are_asked_for(content: StandIn, worker: StandIn) -> None:
    """Without a token, or without the name of the calling worker, nothing is done."""
    signed = {"X_Timestamp": str(int(time.time())), "X_Signature": sign_call("wrong", "1", "GET", "/")}
    async with aiohttp.ClientSession(content.url) as session:
        for headers in ({}, signed, {**signed, "X_Timestamp": "1"}):
            assert (await call(session, "/api/content/generate", RECAP, **headers))[0] == 401
    for headers in ({}, {"Authorization": f"Bearer {worker.token}"}):
        async with aiohttp.ClientSession(worker.url, headers=headers) as session:
            assert (await call(session, "/api/handshake", OFFER))[0] == 401
    async with aiohttp.ClientSession(worker.url, headers={**headers, "X-Worker-ID": "o"}) as session:
        assert (await call(session, "/api/process", {"executionId": "nobody's"}))[0] == 404
