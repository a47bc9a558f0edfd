"""Steps that wait on a running Airflow: for a person, for a moment, for another workflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from demo.errors import ApiError
from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, Run, drop, start
from tests.e2e.threads import serve

pytestmark = pytest.mark.timeout(400)

FLOWS = {
    "waiting_approval": """
name: waiting_approval
inputs: {properties: {n: {type: integer}}, required: [n]}
steps:
  - {name: pause, type: wait, for: 1s}
  - name: ask
    type: approval
    message: "Publish {{ inputs.n }} questions?"
    details: "They were **checked**."
    form: {pages: {type: integer, minimum: 1, default: 2}}
  - {name: told, type: transform, payload: {by: "{{ steps.ask.by.id }}", pages: "{{ steps.ask.form.pages }}"}}
outputs: {pages: "{{ steps.told.pages }}"}
""",
    "waiting_default": """
name: waiting_default
steps:
  - {name: ask, type: approval, message: Which?, options: [red, green], default: green, timeout: 1s}
  - {name: late, type: approval, message: Nobody?, timeout: 1s, depends_on: [], on_failure: continue}
  - {name: told, type: transform, depends_on: [ask, late],
     payload: ["{{ steps.ask.option }}", "{{ steps.ask.timed_out }}", "{{ error('late').message }}"]}
""",
    "waiting_parent": """
name: waiting_parent
order: graph
defaults: {depends_on: []}
steps:
  - {name: good, type: workflow, workflow: waiting_approval, inputs: {n: 48}}
  - {name: bad, type: workflow, workflow: waiting_failing, on_failure: continue}
  - {name: none, type: workflow, workflow: waiting_nowhere, on_failure: continue}
  - {name: refused, type: workflow, workflow: waiting_approval, inputs: {n: many}, on_failure: continue}
  - {name: slow, type: workflow, workflow: waiting_slow, timeout: 1s, on_failure: continue}
outputs: {pages: "{{ steps.good.pages }}"}
""",
    "waiting_event": """
name: waiting_event
api_base: API
order: graph
steps:
  - {name: tell, endpoint: /orders, payload: {early: "{{ resume_urls.early }}", paid: "{{ resume_urls['paid'] }}"}}
  - {name: pause, type: wait, for: 4s, depends_on: [tell]}
  - {name: early, type: wait, event: an early bird, depends_on: [pause]}
  - {name: paid, type: wait, event: the payment of the order, depends_on: [tell]}
  - {name: never, type: wait, event: nothing, timeout: 1s, depends_on: [tell], on_failure: continue}
""",
    "waiting_operator": """
name: waiting_operator
steps:
  - name: pause
    type: operator
    operator: airflow.providers.standard.sensors.time_delta.TimeDeltaSensor
    args: {delta: 1, deferrable: true}
    on_failure: continue
  - name: moment
    type: operator
    operator: airflow.providers.standard.sensors.date_time.DateTimeSensorAsync
    args: {target_time: "{{ run.time | date_add('3s') }}"}
  - name: late
    type: operator
    operator: airflow.providers.standard.sensors.filesystem.FileSensor
    args: {filepath: /no/such/file, timeout: 1, deferrable: true}
    on_failure: continue
""",
    "waiting_failing": """
name: waiting_failing
steps: [{name: stop, type: fail, message: there is no paper}]
""",
    "waiting_slow": """
name: waiting_slow
steps: [{name: pause, type: wait, for: 1h}]
""",
}


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Give the base of an API that is told resume URLs, and what it was told."""
    got: list[dict[str, str]] = []

    async def order(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.json_response({"echo": got[-1]})

    def make() -> web.Application:
        app = web.Application()
        app.router.add_post("/orders", order)
        return app

    with serve(make) as base:
        yield base, got


@pytest.fixture(scope="module")
def runs(airflow: AirflowInstance, workflows: Path, told: tuple[str, list[dict[str, str]]]) -> dict[str, Run]:
    """Start all at once: they wait side by side."""
    drop(airflow, workflows, {name: text.replace("API", told[0], 1) for name, text in FLOWS.items()})
    for dag_id in FLOWS:
        airflow.unpause(dag_id)
    started = {
        name: start(airflow, name)
        for name in ("waiting_event", "waiting_default", "waiting_parent", "waiting_operator")
    }
    started["yes"] = start(airflow, "waiting_approval", {"n": 48})
    started["no"] = start(airflow, "waiting_approval", {"n": 3})
    return started


def question(run: Run, task_id: str = "ask") -> dict[str, Any]:
    """Wait until a step asks, and return what Airflow shows of it."""

    def asked() -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = run.airflow.get(_path(run, task_id))
        except ApiError:
            return None
        return found

    shown: dict[str, Any] = run.airflow.wait(asked, f"the question of {run.run_id}", PATIENCE)
    return shown


def answer(run: Run, option: str, **form: Any) -> None:
    """Answer by Airflow's REST API, as its page does."""
    run.airflow.wait(partial(_is_parked, run), f"{run.run_id} to wait", PATIENCE)
    run.airflow.patch(_path(run, "ask"), {"chosen_options": [option], "params_input": form})


def _is_parked(run: Run) -> bool | None:
    return run.states().get("ask") == "awaiting_input" or None


def _path(run: Run, task_id: str) -> str:
    return f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/-1/hitlDetails"


def test_a_person_answers(runs: dict[str, Run]) -> None:
    """The question stands on Airflow's page with its form; the answer, and who gave it, is the output."""
    shown = question(runs["yes"])
    assert (shown["subject"], shown["body"]) == ("Publish 48 questions?", "They were **checked**.")
    assert shown["options"] == ["Approve", "Reject"]
    assert shown["params"]["pages"]["schema"]["minimum"] == 1
    answer(runs["yes"], "Approve", pages=5)
    with pytest.raises(ApiError, match="409"):
        runs["yes"].airflow.patch(_path(runs["yes"], "ask"), {"chosen_options": ["Reject"], "params_input": {}})
    assert runs["yes"].wait() == "success"
    assert runs["yes"].xcom("told")["pages"] == 5
    assert runs["yes"].xcom("ask")["by"]["id"] == runs["yes"].xcom("told")["by"]
    waited = runs["yes"].xcom("pause")
    assert datetime.fromisoformat(waited["until"]) > datetime.fromisoformat(waited["from"])


def test_a_refusal_fails_the_run(runs: dict[str, Run]) -> None:
    """`Reject` fails the step, which says who said so."""
    answer(runs["no"], "Reject")
    assert runs["no"].wait() == "failed"
    error = runs["no"].xcom("ask", "error")
    assert error["type"] == "approval"
    assert error["message"].startswith("it was answered with 'Reject' by ")


def test_when_nobody_answers_the_default_is_taken(runs: dict[str, Run]) -> None:
    """And without a default the step fails, saying so."""
    assert runs["waiting_default"].wait() == "success"
    assert runs["waiting_default"].xcom("told") == [
        "green",
        True,
        "nobody answered within 1s, and there is no 'default'",
    ]


def test_another_workflow_gives_its_outputs(runs: dict[str, Run]) -> None:
    """Its failure, a name that is none, inputs that do not fit and a time that is over read like a step's failure."""
    parent = runs["waiting_parent"]
    started = parent.airflow.wait(partial(_child, parent, "good"), "the child's run", PATIENCE)
    answer(Run(parent.airflow, started["workflow"], started["run_id"]), "Approve", pages=7)
    assert parent.wait() == "success"
    assert parent.xcom("result") == {"pages": 7}
    errors = {name: parent.xcom(name, "error")["message"] for name in ("bad", "none", "refused", "slow")}
    assert "step 'stop' failed: there is no paper" in errors["bad"]
    assert errors["none"] == "there is no workflow 'waiting_nowhere' in Airflow. Check its name."
    assert "cannot be started" in errors["refused"]
    assert "'n'" in errors["refused"] or "n:" in errors["refused"]
    assert "was not over within 1s" in errors["slow"]


def _child(parent: Run, task_id: str) -> dict[str, str] | None:
    try:
        found: dict[str, str] = parent.xcom(task_id, "child_run")
    except ApiError:
        return None
    return found


def post(url: str, **options: Any) -> tuple[int, str]:
    """Use a resume URL, as somebody outside does: without Airflow's credentials."""
    answer = httpx.post(url, timeout=60, trust_env=False, **options)
    return answer.status_code, answer.json()["detail"]


def test_an_event_resumes_a_run_once(runs: dict[str, Run], told: tuple[str, list[dict[str, str]]]) -> None:
    """Whoever was given the URL resumes the step, with a body; early is fine, twice is not; nobody sees the token."""
    run = runs["waiting_event"]
    urls = run.airflow.wait(lambda: told[1][0] if told[1] else None, "the URLs", PATIENCE)
    assert post(urls["early"], json={"n": 1}) == (200, "resumed")
    assert run.states()["early"] in {None, "scheduled", "queued"}
    assert post(urls["paid"][:-3]) == (403, "this is no resume token, or it was cut. Send to the URL as it was given.")
    assert post(urls["paid"], content=b"{") == (400, "the body is not JSON. Send JSON, or nothing.")
    assert post(urls["paid"], content=b"1" * 60_001)[0] == 413
    run.airflow.wait(lambda: run.states()["paid"] == "awaiting_input" or None, "the step to wait", PATIENCE)
    both = [post(urls["paid"], json={"amount": amount}) for amount in (5, 6)]
    assert both == [(200, "resumed"), (409, "this was resumed before. A resume URL can be used once.")]
    assert run.wait() == "success"
    assert (run.xcom("early")["data"], run.xcom("paid")["data"]) == ({"n": 1}, {"amount": 5})
    assert post(urls["early"])[0] == 410
    assert run.xcom("never", "error")["message"].startswith("what it waits for did not happen within 1s")
    tokens = [url.rsplit("/", 1)[1] for url in urls.values()]
    seen = f"{run.whole_log('tell')} {run.xcom('tell')} {run.attempts('tell')}"
    assert not any(token in seen for token in tokens)
    shown = run.airflow.task_instances(run.dag_id, run.run_id)["tell"]["rendered_fields"]
    assert "***" in str(shown)
    assert not any(token in str(shown) for token in tokens)


def test_an_operator_waits_without_a_worker(runs: dict[str, Run]) -> None:
    """It goes on in its own method, on a worker that made it anew; a wait that was not over in time is its failure."""
    run = runs["waiting_operator"]
    assert run.wait() == "success"
    assert (run.states()["moment"], run.states()["late"]) == ("success", "skipped")
    assert run.attempts("moment")[-1]["reason"] == "done"
    assert run.xcom("late", "error")["message"] == "the operator's wait was not over in time"
