"""Workflows as they run: real tasks, a real API on loopback, Airflow's own database."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.operators.api import Api
from tests.operators.conftest import KEY, RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

HEAD = """
name: flow
api_base: API
auth: {type: bearer, token: "${API_KEY}"}
order: graph
defaults: {retry: {limit: 1, delay: 10ms}}
"""


def test_a_run_of_calls(run_workflow: RunWorkflow, api: Api) -> None:
    """Each step makes its call; later ones see the outputs, statuses and groups of those before them."""
    api.answer("/one", 200, {"id": 1, "echo": KEY})
    ran = run_workflow(
        HEAD
        + """
variables: {grade: 9}
inputs: {properties: {topic: {type: string, default: algebra}}}
groups: {gen: {max_parallel: 2}}
steps:
  - {name: one, endpoint: /one, parallel_group: gen, payload: {grade: "{{ grade }}", topic: "{{ inputs.topic }}"}}
  - {name: two, endpoint: /two, parallel_group: gen}
  - {name: off, endpoint: /off, depends_on: [gen], enabled: "${FLAG:-false}"}
  - {name: no, endpoint: /no, depends_on: [gen], condition: inputs.topic == 'geometry'}
  - name: sum
    type: transform
    depends_on: [off, no]
    output_key: total
    payload: {ids: "{{ steps.gen | length }}", off: "{{ status('off') }}", no: "{{ steps.no }}", run: "{{ run.id }}"}
outputs: {ids: "{{ outputs.total.ids }}"}
monitoring: {webhook_url: API/hook, webhook_secret: "${API_KEY}"}
""".replace("API/hook", f"{api.url}/hook")
    )
    assert ran.state == "success"
    assert ran.states == dict.fromkeys(("inputs", "one", "two", "sum", "result", "notify", "outcome"), "success") | {
        "off": "skipped",
        "no": "skipped",
    }
    assert (ran.xcom("off", "skip"), ran.xcom("no", "skip")) == ("disabled", "condition")
    assert ran.xcom("sum") == {"ids": 2, "off": "skipped", "no": None, "run": ran.run.run_id}
    assert ran.xcom("result") == {"ids": 2}
    (one,) = api.calls("/one")
    assert (one.method, one.json) == ("POST", {"grade": 9, "topic": "algebra"})
    assert one.headers["Authorization"] == f"Bearer {KEY}"
    assert one.headers["X-Workflow-Instance"] == ran.run.run_id
    assert "X-Gimme-AI-Scheduled" not in one.headers
    assert len(one.headers["Idempotency-Key"]) == 40
    assert ran.xcom("one") == {"id": 1, "echo": "***"}
    _check_notification(ran.run.run_id, api)


def _check_notification(run_id: str, api: Api) -> None:
    """The end was told once, with the API's credentials, signed, in the documented form."""
    (hook,) = api.calls("/hook")
    assert hook.headers["Authorization"] == f"Bearer {KEY}"
    assert hook.headers["webhook-signature"].startswith("v1,")
    event = hook.json
    assert set(event) == {"type", "timestamp", "data"}
    assert set(event["data"]) == {"workflow", "run_id", "started", "ended", "outputs", "steps"}
    assert (event["type"], event["data"]["run_id"], event["data"]["outputs"]) == ("run.succeeded", run_id, {"ids": 2})
    assert {"name": "no", "status": "skipped", "error": None} in event["data"]["steps"]


def test_attempts_are_repeated_under_one_key(run_workflow: RunWorkflow, api: Api) -> None:
    """A call that fails for a moment is made again under its first key, and each attempt is kept."""
    api.answer("/a", 503, {"why": "busy"})
    api.answer("/a", 200, {"ok": True})
    ran = run_workflow(HEAD + "steps: [{name: a, endpoint: /a, method: POST}]\n")
    assert (ran.state, ran.tries["a"]) == ("success", 2)
    assert len({call.headers["Idempotency-Key"] for call in api.calls("/a")}) == 1
    first, second = ran.record("a", 1), ran.record("a", 2)
    assert (first["status"], first["reason"], first["wait_seconds"] > 0) == (503, "status 503", True)
    assert (second["status"], second["wait_seconds"]) == (200, None)


def test_a_failure_fails_the_run_although_it_was_told(run_workflow: RunWorkflow, api: Api) -> None:
    """The catch and the finally run, the delivery succeeds, and the run has failed all the same."""
    api.answer("/a", 500, {"why": f"no {KEY}"})
    ran = run_workflow(
        HEAD
        + f"""
steps:
  - {{name: a, endpoint: /a}}
  - {{name: next, endpoint: /next, depends_on: [a]}}
  - {{name: catch, endpoint: /catch, run_on: failure, depends_on: [a], payload: "{{{{ error('a') }}}}"}}
  - {{name: finally, endpoint: /finally, run_on: always, depends_on: [next]}}
monitoring: {{webhook_url: '{api.url}/hook'}}
"""
    )
    assert ran.state == "failed"
    assert ran.states == {
        "a": "failed",
        "next": "upstream_failed",
        "catch": "success",
        "finally": "success",
        "notify": "success",
        "outcome": "failed",
    }
    assert ran.tries["a"] == 2
    (caught,) = api.calls("/catch")
    assert (caught.json["type"], caught.json["status"], caught.json["attempts"]) == ("status", 500, 2)
    (hook,) = api.calls("/hook")
    assert hook.json["type"] == "run.failed"
    assert "step 'a' failed: GET" in ran.xcom("outcome", "error")["message"]
    assert KEY.encode() not in hook.body


def test_a_tolerated_failure_lets_the_run_go_on(run_workflow: RunWorkflow, api: Api) -> None:
    """A step that may fail ends as skipped, its error is there to read, and the run has succeeded with errors."""
    api.answer("/a", 404)
    ran = run_workflow(
        HEAD
        + f"""
steps:
  - {{name: a, endpoint: /a, on_failure: continue}}
  - {{name: b, type: transform, depends_on: [a], payload: ["{{{{ status('a') }}}}", "{{{{ error('a').status }}}}"]}}
  - {{name: catch, endpoint: /catch, run_on: failure, depends_on: [b]}}
monitoring: {{webhook_url: '{api.url}/hook'}}
"""
    )
    assert (ran.state, ran.states["a"], ran.states["catch"]) == ("success", "skipped", "skipped")
    assert ran.xcom("b") == ["tolerated", 404]
    assert ran.xcom("outcome") == {"state": "tolerated", "tolerated": ["a"]}
    assert api.calls("/hook")[0].json["type"] == "run.tolerated"


def test_a_missing_secret_stops_before_any_call(run_workflow: RunWorkflow, api: Api) -> None:
    """A step whose secret has no value fails at once, by its name, and calls nobody."""
    ran = run_workflow(HEAD + "steps: [{name: a, endpoint: /a, headers: {X-Other: '${NOT_THERE}'}}]\n")
    assert (ran.state, ran.tries["a"], api.got) == ("failed", 1, [])
    assert "${NOT_THERE} has no value" in ran.xcom("a", "error")["message"]


def test_a_log_tells_what_is_wrong_before_code(run_workflow: RunWorkflow, capfd: pytest.CaptureFixture[str]) -> None:
    """The log of a failed step begins with what is wrong, in our words; no line of ours is in Airflow's traceback."""
    run_workflow("name: flow\nsteps: [{name: a, type: transform, payload: '{{ 1 / 0 }}'}]\n")
    out, err = capfd.readouterr()
    words, traceback, _ = (out + err).partition("Task failed with exception")
    assert traceback
    assert "payload: division by zero" in words
    assert "expressions" not in out + err


def test_conf_is_checked_by_the_whole_schema(run_workflow: RunWorkflow, api: Api) -> None:
    """What Airflow's own check lets through is refused before any call, by the field's name."""
    schema = "inputs: {type: object, properties: {n: {type: integer}}, additionalProperties: false}\n"
    ran = run_workflow(HEAD + schema + "steps: [{name: a, endpoint: /a}]\n", {"m": 1})
    assert (ran.states, api.got) == ({"inputs": "failed", "a": "upstream_failed", "outcome": "failed"}, [])
    assert "'m' was unexpected" in ran.xcom("inputs", "error")["message"]


def test_a_workflow_that_is_off_refuses_to_run(run_workflow: RunWorkflow, api: Api) -> None:
    """A manual run of an inactive workflow ends at once with the reason."""
    ran = run_workflow(HEAD + "active: false\nsteps: [{name: a, endpoint: /a}]\n")
    assert (ran.state, api.got) == ("failed", [])
    assert "active: false" in ran.xcom("inputs", "error")["message"]


def test_a_step_can_fail_on_purpose(run_workflow: RunWorkflow) -> None:
    """The message of a `fail` step is the run's error; it is not tried again."""
    ran = run_workflow("name: flow\nsteps: [{name: a, type: fail, message: 'no {{ run.id }}'}]\n")
    assert (ran.state, ran.tries["a"]) == ("failed", 1)
    assert ran.xcom("a", "error")["message"] == f"no {ran.run.run_id}"


def test_a_step_takes_no_longer_than_its_limit(run_workflow: RunWorkflow, api: Api) -> None:
    """A call that takes too long ends at the step's limit, and names it."""
    api.delays["/a"] = 20
    ran = run_workflow(HEAD + "steps: [{name: a, endpoint: /a, timeout: 300ms, retry: {limit: 0}}]\n")
    error = ran.xcom("a", "error")
    assert (ran.state, error["type"]) == ("failed", "timeout")
    assert ran.record("a", 1)["ms"] < 5000


def test_a_run_takes_no_longer_than_its_limit(run_workflow: RunWorkflow, api: Api) -> None:
    """A step may only take what is left of the run, and one that begins later fails at once; the end is still told."""
    api.delays["/a"] = 20
    ran = run_workflow(
        HEAD
        + f"""
timeout: 3s
steps: [{{name: a, endpoint: /a, on_failure: continue}}, {{name: b, endpoint: /b, depends_on: [a]}}]
monitoring: {{webhook_url: '{api.url}/hook'}}
"""
    )
    assert (ran.states["a"], ran.states["b"], ran.states["notify"]) == ("skipped", "failed", "success")
    assert (ran.xcom("a", "error")["type"], ran.xcom("b", "error")["type"]) == ("run_timeout", "run_timeout")
    assert api.calls("/b") == []


def test_a_delivery_that_fails_does_not_fail_the_run(run_workflow: RunWorkflow, api: Api) -> None:
    """A webhook that nobody takes shows on its own task only; elsewhere than at the API it gets no credentials."""
    api.answer("/hook", 400)
    elsewhere = api.url.replace("127.0.0.1", "localhost")
    ran = run_workflow(
        HEAD + f"steps: [{{name: a, type: transform, payload: 1}}]\nmonitoring: {{webhook_url: '{elsewhere}/hook'}}\n"
    )
    assert (ran.state, ran.states["notify"]) == ("success", "failed")
    (hook,) = api.calls("/hook")
    assert "Authorization" not in hook.headers


def test_nothing_tells_the_secret(run_workflow: RunWorkflow, api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    """After a run that sent the key in every place, and got it back, it is nowhere: database, logs, output."""
    from airflow import settings

    api.answer("/a", 200, {"got": KEY, "basic": base64.b64encode(f"user:{KEY}".encode()).decode()})
    api.answer("/b", 400, {"why": f"wrong key {KEY}"})
    api.answer("/c", 200, {KEY: 1})
    run_workflow(
        """
name: flow
api_base: API
auth: {type: basic, username: user, password: "${API_KEY}"}
order: listed
steps:
  - {name: a, endpoint: "/a", headers: {X-Key: "${API_KEY}"}, query: {key: "${API_KEY}"}, payload: {key: "${API_KEY}"}}
  - {name: c, endpoint: /c, response_transform: "{{ response.body.nothing.more }}", on_failure: continue}
  - {name: d, endpoint: /c, response_transform: "{{ response.body.nothing.more }}", run_on: always}
  - {name: b, endpoint: /b, run_on: always}
"""
    )
    captured = capfd.readouterr()
    assert settings.engine is not None
    content = Path(str(settings.engine.url.database)).read_bytes()
    for form in (KEY, base64.b64encode(f"user:{KEY}".encode()).decode()):
        assert form.encode() not in content
        assert form not in captured.out + captured.err
