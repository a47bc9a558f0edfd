"""One attempt of a call: counted, decided about, told in one line."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from airflow_provider_gimme.errors import CallError, CallTimeoutError, StepError
from airflow_provider_gimme.hooks.target import Target
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.http.retry import RetryRules
from airflow_provider_gimme.operators.attempts import Attempts
from airflow_provider_gimme.operators.call import Call
from airflow_provider_gimme.operators.engine import Engine
from airflow_provider_gimme.operators.policy import StepRetryPolicy
from tests.operators.api import Api, serve_api
from tests.operators.test_attempts import MemoryStore
from tests.operators.test_run_info import run_of

RULES = RetryRules(limit=1, delay=timedelta(seconds=2))
LOG = logging.getLogger("tests.call")
SECOND = timedelta(seconds=1)


def load(store: MemoryStore, *, on_crash: bool = True) -> Call:
    run = run_of()
    object.__setattr__(run, "store", store)
    return Call.load(run, RULES, Engine(), Redactor(["hidden-word"]), LOG, on_crash=on_crash)


def attempt(call: Call, api: Api, path: str, limit: timedelta = 10 * SECOND) -> int:
    request = Request("GET", f"{api.url}{path}")
    return call.send(request, Target(api.url), lambda status: status == 200, limit, None).status


def test_each_attempt_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """The log tells method, URL without secrets, status, time, attempt, and what comes next and why."""
    caplog.set_level(logging.INFO, LOG.name)
    store = MemoryStore()
    with serve_api() as api:
        api.answer("/a", 503)
        api.answer("/a", 200)
        call = load(store)
        with pytest.raises(CallError) as caught:
            attempt(call, api, "/a?word=hidden-word")
        decision = call.decide(caught.value)
        again = load(store)
        assert (again.upcoming, attempt(again, api, "/a")) == (2, 200)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith(f"GET {api.url}/a?word=*** → 503 in ")
    assert "attempt 1" in first
    assert "tried again in 2" in first
    assert (decision.retry, decision.wait >= 2 * SECOND) == (True, True)
    assert second.startswith(f"GET {api.url}/a → 200 in ")


def test_the_last_retry_is_the_last() -> None:
    """After as many failures as the limit allows, no other attempt is made."""
    store = MemoryStore()
    with serve_api() as api:
        api.answer("/a", 503)
        for expected in (True, False):
            call = load(store)
            with pytest.raises(CallError) as caught:
                attempt(call, api, "/a")
            assert call.decide(caught.value).retry is expected
    assert store.values["attempt.2"]["reason"].endswith("limit of 1 retries is used up")


def test_a_crash_uses_no_retry() -> None:
    """Attempts in which the process died do not count against the limit."""
    store = MemoryStore()
    for _ in range(3):
        Attempts.load(store, 3).begin()
    with serve_api() as api:
        api.answer("/a", 503)
        call = load(store)
        with pytest.raises(CallError) as caught:
            attempt(call, api, "/a")
        assert (call.attempts.number, call.decide(caught.value).retry) == (4, True)


def test_a_crash_can_be_an_error() -> None:
    """With `on_crash: false` a call whose process died is not made again."""
    store = MemoryStore()
    Attempts.load(store, 3).begin()
    with pytest.raises(StepError, match="'on_crash' is false"):
        load(store, on_crash=False)
    assert load(store).upcoming == 2


def test_an_attempt_has_its_own_limit() -> None:
    """An exchange that takes longer than an attempt may is a timeout of the call."""
    with serve_api() as api:
        api.delays["/a"] = 20
        with pytest.raises(CallTimeoutError):
            attempt(load(MemoryStore()), api, "/a", timedelta(milliseconds=200))


def test_airflow_does_what_was_decided() -> None:
    """Airflow's question about an error gets the decision about that error."""
    policy = StepRetryPolicy()
    error = CallError("no")
    call = load(MemoryStore())
    policy.remember(error, call.decide(error))
    assert policy.evaluate(error, 1, 3).action.value == "fail"
    assert policy.evaluate(RuntimeError("of the machinery"), 1, 3).action.value == "retry"
    assert StepRetryPolicy(on_crash=False).evaluate(RuntimeError(), 1, 3).action.value == "fail"
