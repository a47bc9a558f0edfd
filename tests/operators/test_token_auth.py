"""Steps whose credentials are fetched first: one token for a call, and none of it anywhere a person reads."""

from __future__ import annotations

import json

import pytest

from tests.operators.api import Api
from tests.operators.conftest import KEY, RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own, at the first import of its models

WORKFLOW = """
name: tokens
api_base: API
services:
  dashboard:
    api_base: API
    auth:
      type: session
      login: {endpoint: /auth/login, payload: {email: me@example.com, password: "${API_KEY}"}}
      token: $.token
      header: x-bitware-session-token
  orders:
    api_base: API
    auth: {type: oauth2, token_url: /oauth/token, client_id: me, client_secret: "${API_KEY}"}
steps:
  - {name: clients, service: dashboard, endpoint: /clients}
  - {name: orders, service: orders, endpoint: /orders, retry: {limit: 0}}
"""


def test_tokens_are_fetched_used_renewed_and_hidden(
    run_workflow: RunWorkflow, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """A login for the dashboard, a token for the orders that is refused once: outputs repeat them as ``***``."""
    api.answer("/auth/login", 200, {"token": "session-t0ken-1"})
    api.answer("/clients", 200, {"you_sent": "session-t0ken-1", "n": 1})
    api.answer("/oauth/token", 200, {"access_token": "oauth-t0ken-1"})
    api.answer("/oauth/token", 200, {"access_token": "oauth-t0ken-2", "expires_in": 60})
    api.answer("/orders", 401, {"error": "expired"})
    api.answer("/orders", 200, {"auth": "Bearer oauth-t0ken-2"})
    ran = run_workflow(WORKFLOW.replace("api_base: API\n    auth", f"api_base: {api.url}\n    auth"))
    assert ran.state == "success"
    assert [(got.method, got.path) for got in api.got] == [
        ("POST", "/auth/login"),
        ("GET", "/clients"),
        ("POST", "/oauth/token"),
        ("GET", "/orders"),
        ("POST", "/oauth/token"),
        ("GET", "/orders"),
    ]
    assert api.got[0].json == {"email": "me@example.com", "password": KEY}
    assert api.got[1].headers["x-bitware-session-token"] == "session-t0ken-1"
    assert [api.got[at].headers["Authorization"] for at in (3, 5)] == ["Bearer oauth-t0ken-1", "Bearer oauth-t0ken-2"]
    assert ran.xcom("clients") == {"you_sent": "***", "n": 1}
    assert ran.xcom("orders") == {"auth": "Bearer ***"}
    assert ran.tries["orders"] == 1
    kept = json.dumps([ran.store(step) for step in ("clients", "orders")])
    assert "t0ken" not in kept + caplog.text
    assert KEY not in kept + caplog.text


def test_a_login_that_is_refused_fails_the_step_saying_so(run_workflow: RunWorkflow, api: Api) -> None:
    """The call itself is not made, and another attempt would end the same way."""
    api.answer("/auth/login", 403, {"error": f"no such user, or not {KEY}"})
    text = WORKFLOW.replace("api_base: API\n    auth", f"api_base: {api.url}\n    auth")
    ran = run_workflow(text)
    assert (ran.state, ran.tries["clients"]) == ("failed", 1)
    assert [got.path for got in api.got] == ["/auth/login"]
    record = ran.record("clients", 1)
    assert "status 403" in record["reason"]
    assert KEY not in json.dumps(ran.store("clients"))
