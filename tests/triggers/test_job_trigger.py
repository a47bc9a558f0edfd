"""The trigger of a job: what it yields, what it shows, when it cancels."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import TaskStatesResponse
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import GetTaskStates, GetXCom, SetXCom, TaskStatesResult, XComResult

from airflow_provider_gimme.triggers.job import JobTrigger
from tests.operators.api import Api
from tests.triggers.conftest import TOKEN, MakeWatch

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own, at the first import of its models

JOB = """
poll: {endpoint: "/jobs/{{ job.id }}", every: 10ms, headers: {X-T: "${TOKEN}"}}
done_when: $.status == "done"
fail_when: $.status == "failed"
progress: "{'share': response.body.share, 'by': response.body.by}"
cancel: {endpoint: "/jobs/{{ job.id }}/cancel"}
"""


class Supervisor:
    """The other end of Airflow's wire: says what it is told to, and keeps what it gets."""

    def __init__(self, state: str, key: str) -> None:
        self.state, self.key, self.seconds = state, key, 0.0
        self.got: list[Any] = []

    def send(self, message: Any) -> Any:
        self.got.append(message)
        if isinstance(message, GetTaskStates):
            time.sleep(self.seconds)
            answer = TaskStatesResponse(task_states={"r": {"a": self.state}})
            return TaskStatesResult.from_api_response(answer)
        if isinstance(message, GetXCom):
            return XComResult(key="job", value={"id": 7, "key": self.key})
        return None

    @property
    def shown(self) -> list[Any]:
        """The progress that was shown."""
        return [message.value for message in self.got if isinstance(message, SetXCom)]


@pytest.fixture
def supervise(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a supervisor at the other end."""
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("API_KEY", "api-key-0123456789")

    def put(state: str = "deferred", key: str = "series-key") -> Supervisor:
        supervisor = Supervisor(state, key)
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
        return supervisor

    return put


def again(trigger: JobTrigger) -> JobTrigger:
    """Return a trigger as another process gets it."""
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_gimme.triggers.job.JobTrigger"
    return JobTrigger(**json.loads(json.dumps(arguments)))


def events(trigger: JobTrigger) -> list[Any]:
    """Run a trigger to its end."""

    async def run() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    return asyncio.run(run())


def test_the_event_tells_that_it_is_over_and_no_more(make_watch: MakeWatch, api: Api, supervise: Any) -> None:
    """No answer and no secret goes through Airflow's tables; the progress that is shown has none either."""
    supervisor = supervise()
    api.answer("/jobs/7", 200, {"status": "running", "share": 0.5, "by": f"x{TOKEN}"})
    api.answer("/jobs/7", 200, {"status": "done", "share": 1, "by": "", "secret": "of the answer"})
    trigger = again(JobTrigger(make_watch(JOB).to_json()))
    assert events(trigger) == [{"told": "done"}]
    assert supervisor.shown == [{"share": 0.5, "by": "x***"}, {"share": 1, "by": ""}]
    assert {got.headers["X-T"] for got in api.got} == {TOKEN}


def test_a_trigger_polls_on_where_another_one_died(make_watch: MakeWatch, api: Api, supervise: Any) -> None:
    """What is due is polled at once, and never submitted."""
    supervise()
    api.answer("/jobs/7", 200, {"status": "failed", "share": 0, "by": ""})
    trigger = JobTrigger(make_watch(JOB, begin=-100).to_json())
    assert events(again(trigger)) == events(again(trigger)) == [{"told": "failed"}]
    assert {got.path for got in api.got} == {"/jobs/7"}


@pytest.mark.parametrize("status, told", [(404, "error"), (200, "timeout")])
def test_what_else_ends_it(make_watch: MakeWatch, api: Api, supervise: Any, status: int, told: str) -> None:
    """An error and the end of the time are told in one word each; the task looks for itself."""
    supervise()
    api.answer("/jobs/7", status, {"status": "running", "share": 0, "by": ""})
    assert events(JobTrigger(make_watch(JOB, deadline=0.05).to_json())) == [{"told": told}]


def test_a_trigger_that_cannot_poll_keeps_the_rhythm(
    make_watch: MakeWatch, api: Api, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that only the workers have: the task polls itself, as often as the file says and not more."""
    supervise()
    monkeypatch.delenv("TOKEN")
    began = time.monotonic()
    assert events(JobTrigger(make_watch(JOB, begin=0.2).to_json())) == [{"told": "error"}]
    assert time.monotonic() - began >= 0.2
    assert api.got == []


@pytest.mark.parametrize(
    "state, key, cancelled",
    [
        ("failed", "series-key", True),
        ("success", "series-key", True),
        ("None", "series-key", True),
        ("running", "series-key", True),
        ("deferred", "another-series", True),
        ("deferred", "series-key", False),
    ],
)
def test_a_job_is_cancelled_where_nobody_waits_for_it(
    make_watch: MakeWatch, api: Api, supervise: Any, state: str, key: str, *, cancelled: bool
) -> None:
    """Marked, cleared, cleared and waiting for a new job: cancelled; a trigger that only moved cancels nothing."""
    supervise(state, key)
    asyncio.run(again(JobTrigger(make_watch(JOB).to_json())).on_kill())
    assert [(got.method, got.path, got.headers["Idempotency-Key"]) for got in api.got] == [
        ("POST", "/jobs/7/cancel", "cancel-key")
    ][: int(cancelled)]


def test_a_cancel_that_fails_for_a_moment_is_sent_again(make_watch: MakeWatch, api: Api, supervise: Any) -> None:
    """Under the same key; one that fails for good is only logged."""
    supervise("failed")
    api.answer("/jobs/7/cancel", 503, None, Retry_After="0")
    api.answer("/jobs/7/cancel", 409, None)
    asyncio.run(JobTrigger(make_watch(JOB).to_json()).on_kill())
    assert [got.headers["Idempotency-Key"] for got in api.got] == ["cancel-key"] * 2


def test_a_cancel_is_not_cut_off(make_watch: MakeWatch, api: Api, supervise: Any) -> None:
    """Airflow cancels a trigger that was ended again, every second or less, as long as it is there."""
    supervise("failed").seconds = 0.3

    async def end() -> None:
        work = asyncio.create_task(asyncio.wait_for(JobTrigger(make_watch(JOB).to_json()).on_kill(), 30))
        for _ in range(3):
            await asyncio.sleep(0.05)
            work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*others)

    asyncio.run(end())
    assert [got.path for got in api.got] == ["/jobs/7/cancel"]
