"""Sensitive outputs in runs: there for the run's own steps, shown nowhere."""

from __future__ import annotations

import json
import logging

import pytest
from cryptography.fernet import Fernet

from tests.operators.api import Api
from tests.operators.conftest import Ran, RunWorkflow
from tests.operators.test_bodies import rendered

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

TOKEN = "t0ken-of-the-session-42"
FLOW = """
name: flow
api_base: API
order: graph
steps:
  - {name: login, endpoint: /login, payload: {user: robot}, sensitive: true, output_key: session}
  - name: orders
    endpoint: /orders
    headers: {X-Session: "{{ steps.login.token }}"}
    payload: {session: "{{ outputs.session.token }}", ttl: "{{ steps.login.ttl }}"}
  - {name: repeat, type: transform, payload: {said: "it is {{ steps.login.token }}", ttl: "{{ steps.login.ttl }}"}}
  - {name: derived, type: transform, sensitive: true, payload: {header: "Bearer {{ steps.login.token }}"}}
  - {name: leaf, type: transform, sensitive: true, payload: {pin: 1}}
  - {name: last, endpoint: /last, headers: {Authorization: "{{ steps.derived.header }}"}}
  - {name: refused, endpoint: /refused, query: {session: "{{ steps.login.token }}"}, on_failure: continue}
  - {name: failed, endpoint: /refused, payload: {a: 1}, sensitive: true, on_failure: continue, retry: {limit: 0}}
monitoring: {webhook_url: HOOK}
"""


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())


def shown(ran: Ran, task_ids: list[str]) -> str:
    """Return all that Airflow keeps of tasks for people to see."""
    tasks = [(ran.xcom(name), ran.xcom(name, "error"), ran.store(name)) for name in task_ids]
    return json.dumps(tasks)


@pytest.mark.usefixtures("key")
def test_a_login_is_kept_for_the_run_alone(
    run_workflow: RunWorkflow, api: Api, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Steps use its token; no XCom, rendered field, error, record, log or delivery has it."""
    caplog.set_level(logging.DEBUG)
    api.answer("/login", 200, {"token": TOKEN, "ttl": 36012})
    api.answer("/orders", 200, {"echo": TOKEN, "n": 1})
    api.answer("/refused", 400, {"error": f"no such session: {TOKEN}", "other": "unheard-of-words"})
    ran = run_workflow(FLOW.replace("HOOK", f"{api.url}/hook"))
    assert ran.state == "success"
    assert set(ran.xcom("login")) == {"type", "sealed"}
    (orders,) = api.calls("/orders")
    assert orders.headers["X-Session"] == TOKEN
    assert orders.json == {"session": TOKEN, "ttl": 36012}
    assert ran.xcom("orders") == {"echo": "***", "n": 1}
    assert ran.xcom("repeat") == {"said": "it is ***", "ttl": 36012}
    (last,) = api.calls("/last")
    assert last.headers["Authorization"] == f"Bearer {TOKEN}"
    assert "no such session: ***" in ran.xcom("refused", "error")["message"]
    assert ran.xcom("failed", "error")["message"].endswith("answered 400 (Bad Request): ***")
    (hook,) = api.calls("/hook")
    assert hook.json["data"]["outputs"]["leaf"] == "***"
    tasks = ["login", "orders", "repeat", "derived", "last", "refused", "failed", "notify", "outcome"]
    fields = [rendered(ran, name) for name in ("login", "orders", "last")]
    logs = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]  # the API's own
    told = [shown(ran, tasks), json.dumps(fields), "\n".join(logs), *capfd.readouterr(), hook.body.decode()]
    assert [place for place, text in enumerate(told) if TOKEN in text] == []
    assert "unheard-of-words" not in json.dumps([ran.xcom("failed", "error"), ran.store("failed")])


@pytest.mark.usefixtures("key")
def test_the_result_of_a_run_shows_nothing_of_it(run_workflow: RunWorkflow, api: Api) -> None:
    """Where the file names it all the same, there is `***` in its place."""
    api.answer("/login", 200, {"token": TOKEN, "pin": 1234})
    ran = run_workflow(
        """
name: flow
api_base: API
steps: [{name: login, endpoint: /login, sensitive: true}]
outputs: {all: "{{ steps.login }}", text: "it is {{ steps.login.token }}", pin: "{{ steps.login.pin }}"}
"""
    )
    assert ran.xcom("result") == {"all": {"token": "***", "pin": "***"}, "text": "it is ***", "pin": "***"}


def test_without_a_key_nothing_is_called(run_workflow: RunWorkflow, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step fails before its call, and says what to set."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "")
    ran = run_workflow("name: flow\napi_base: API\nsteps: [{name: login, endpoint: /login, sensitive: true}]")
    assert (ran.state, api.calls("/login")) == ("failed", [])
    assert "[core] fernet_key, which is not set on this worker" in ran.xcom("login", "error")["message"]
