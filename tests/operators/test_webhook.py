"""Deliveries: their signature, their receiver, and those of runs that take long."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_gimme.errors import CallError, SecretError, StepError
from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.hooks.target import Target
from airflow_provider_gimme.http.auth import BearerAuth, NoAuth
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.operators.headers import with_run
from airflow_provider_gimme.operators.long_run import deliver, wait_until_long
from airflow_provider_gimme.operators.receiver import Receiver
from airflow_provider_gimme.operators.webhook import Event
from airflow_provider_gimme.plan import plan_text
from tests.operators.api import serve_api


def secrets(**values: str) -> Secrets:
    return Secrets(Redactor(), ("*",), values, lambda _: None, lambda _: None)


def receiver_of(keys: str) -> Receiver:
    """Return the receiver of a workflow, after a round trip through the form that Airflow keeps."""
    plan = plan_text(f"name: f\nsteps: [{{name: a, type: transform, payload: 1}}]\n{keys}", "f.yaml")
    receiver = Receiver.of(plan.workflow, plan.file)
    assert receiver is not None
    return Receiver.from_json(json.loads(json.dumps(receiver.to_json())))


@pytest.mark.parametrize(
    "url,auth",
    [
        ("https://api.test/hooks", BearerAuth("s3cret-value")),
        ("https://api.test:443/hooks", BearerAuth("s3cret-value")),
        ("http://api.test/hooks", NoAuth()),
        ("https://api.test:8443/hooks", NoAuth()),
        ("https://other.test/hooks", NoAuth()),
        ("https://api.test.evil.test/", NoAuth()),
    ],
)
def test_credentials_stay_at_the_apis_own_origin(url: str, auth: Any) -> None:
    """A receiver on the API's origin gets the workflow's credentials, any other none."""
    api = "api_base: https://api.test/v1\nauth: {type: bearer, token: '${KEY}'}\n"
    receiver = receiver_of(f"{api}monitoring: {{webhook_url: '{url}'}}\n")
    resolved, secret, target = receiver.resolve(secrets(KEY="s3cret-value"))
    assert (resolved, secret) == (url, None)
    assert (type(target.auth), target.auth.secrets) == (type(auth), auth.secrets)


def test_a_receiver_keeps_its_secrets_unresolved() -> None:
    """What Airflow stores of a receiver names its secrets and holds none."""
    receiver = receiver_of("monitoring: {webhook_url: 'https://x.test/${PATH_KEY}', webhook_secret: '${SIGN_KEY}'}\n")
    assert (receiver.webhook_url, receiver.webhook_secret) == ("https://x.test/${PATH_KEY}", "${SIGN_KEY}")
    url, secret, _ = receiver.resolve(secrets(PATH_KEY="abc", SIGN_KEY="def"))
    assert (url, secret) == ("https://x.test/abc", "def")
    with pytest.raises(SecretError, match="SIGN_KEY"):
        receiver.resolve(secrets(PATH_KEY="abc"))


def test_a_url_that_is_none_is_an_error() -> None:
    """A `${NAME}` that holds no URL is told without showing it."""
    with pytest.raises(StepError, match="not an http or https URL") as caught:
        receiver_of("monitoring: {webhook_url: '${URL}'}\n").resolve(secrets(URL="ftp-secret"))
    assert "ftp-secret" not in str(caught.value)


def test_headers_tell_the_run() -> None:
    """Every call carries the run's id, one of a scheduled run its mark; what the file writes stays."""
    request = Event("msg_1", "run.long", datetime.now(UTC), {}).request("http://x.test", None)
    plain, scheduled = with_run(request, "räun 1\n", scheduled=False), with_run(request, "r", scheduled=True)
    assert plain.headers["X-Workflow-Instance"] == "r%C3%A4un 1%0A"
    assert "X-Gimme-AI-Scheduled" not in plain.headers
    assert scheduled.headers["X-Gimme-AI-Scheduled"] == "true"
    own = with_run(with_run(request, "mine", scheduled=False), "r", scheduled=False)
    assert own.headers["X-Workflow-Instance"] == "mine"


async def test_a_delivery_is_tried_again_under_one_id() -> None:
    """A receiver that is busy gets the same event again, and the last answer counts."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with serve_api() as api:
        api.answer("/hook", 503)
        api.answer("/hook", 204)
        request = Event("msg_1", "run.long", datetime.now(UTC), {}).request(f"{api.url}/hook", None)
        assert await deliver(request, Target(api.url), Redactor(), sleep, lambda: 0.0) == 204
        assert [call.headers["webhook-id"] for call in api.calls("/hook")] == ["msg_1", "msg_1"]
        api.answer("/gone", 410)
        gone = Event("msg_2", "run.long", datetime.now(UTC), {}).request(f"{api.url}/gone", None)
        with pytest.raises(CallError, match="410"):
            await deliver(gone, Target(api.url), Redactor(), sleep, lambda: 0.0)
    assert waits == [5.0]


class Time:
    """A clock that only goes on while somebody sleeps, and a run that changes its state with it."""

    def __init__(self, *states: tuple[float, str]) -> None:
        self.states = states
        self.start = datetime(2026, 1, 1, tzinfo=UTC)
        self.passed = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        self.passed += max(seconds, 0.001)

    def state(self) -> Callable[[], Awaitable[str]]:
        async def state() -> str:
            return [state for since, state in self.states if since <= self.passed][-1]

        return state


async def waited(time: Time, start: str | None) -> float | None:
    run = {"start_date": start}
    began = await wait_until_long(run, timedelta(minutes=30), time.state(), now=time.now, sleep=time.sleep)
    return None if began is None else time.passed


async def test_a_run_that_still_runs_is_long() -> None:
    """A run that began before the deadline's count is told of as soon as it has run for so long."""
    assert await waited(Time((0, "running")), "2025-12-31T23:30:00Z") == 0


async def test_time_in_the_queue_does_not_count() -> None:
    """A run that waited for its turn is long only when it has run for so long."""
    assert await waited(Time((0, "running")), "2025-12-31T23:50:00Z") == pytest.approx(20 * 60, abs=1)
    late = await waited(Time((0, "queued"), (600, "running")), None)
    assert late is not None
    assert 40 * 60 <= late <= 41 * 60


@pytest.mark.parametrize("state", ["success", "failed"])
async def test_a_run_that_has_ended_is_not_told_of(state: str) -> None:
    """Airflow's deadline fires for runs that have already ended; nobody is told of those."""
    assert await waited(Time((0, state)), "2025-12-31T23:00:00Z") is None
    assert await waited(Time((0, "running"), (60, state)), "2025-12-31T23:50:00Z") is None
