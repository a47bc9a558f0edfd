"""What is a good answer, and what is tried when there is none: steps as they run, on Airflow's own machinery."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gimme.operators.attempts import Attempts
from tests.operators.api import Api
from tests.operators.conftest import Ran, RunWorkflow
from tests.operators.test_attempts import MemoryStore

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

HEAD = """
name: flow
api_base: API
defaults: {retry: {limit: 1, delay: 10ms}}
steps:
"""


def error_of(ran: Ran, task_id: str = "a") -> Any:
    return ran.xcom(task_id, "error")


def test_the_next_call_answers_when_one_has_failed_for_good(run_workflow: RunWorkflow, api: Api) -> None:
    """After its own retries, at once, under a key of its own; the output says which call answered."""
    api.answer("/a", 503)
    api.answer("/b", 503)
    api.answer("/b", 200, {"from": "b"})
    ran = run_workflow(
        HEAD
        + "  - {name: a, endpoint: /a, payload: {n: 1}, fallback: [{endpoint: /b}, {endpoint: /c}]}\n"
        + "  - {name: d, type: transform, payload: '{{ steps.a.answered_by }} {{ steps.a.from }}'}\n"
    )
    assert ran.state == "success"
    assert (ran.xcom("a"), ran.xcom("a", "answered_by"), ran.xcom("d")) == ({"from": "b"}, 1, "1 b")
    keys = [[got.headers["Idempotency-Key"] for got in api.calls(path)] for path in ("/a", "/b", "/c")]
    assert [len(each) for each in keys] == [2, 2, 0]
    assert (len({*keys[0]}), len({*keys[1]}), {*keys[0]} & {*keys[1]}) == (1, 1, set())
    assert [ran.record("a", n)["status"] for n in (1, 2, 3, 4)] == [503, 503, 503, 200]
    assert [ran.record("a", n).get("entry") for n in (1, 2, 3, 4)] == [None, None, 1, 1]
    assert [ran.record("a", n)["attempt"] for n in (1, 2, 3, 4)] == [1, 2, 1, 2]


def test_the_call_itself_is_told_as_itself(run_workflow: RunWorkflow, api: Api) -> None:
    """0 is the step's own call; nothing else is called."""
    ran = run_workflow(
        HEAD
        + "  - {name: a, endpoint: /a, fallback: [{endpoint: /b}]}\n"
        + "  - {name: b, type: transform, payload: '{{ steps.a.answered_by }}'}\n"
        + "  - {name: c, type: transform, payload: '{{ steps.b.answered_by }}'}\n"
    )
    assert (ran.xcom("a", "answered_by"), ran.xcom("b"), ran.xcom("c")) == (0, 0, 0)
    assert api.calls("/b") == []


def test_where_all_have_failed_the_error_names_each(run_workflow: RunWorkflow, api: Api) -> None:
    """The first line of each; type and status are the last one's, the attempts those of all."""
    api.answer("/a", 503, "busy")
    api.answer("/b", 404, "none")
    ran = run_workflow(HEAD + "  - {name: a, endpoint: /a, fallback: [{endpoint: /b, retry: {limit: 0}}]}\n")
    assert ran.state == "failed"
    error = error_of(ran)
    assert error["message"].splitlines() == [
        "the call and all its fallbacks have failed:",
        f'- the step\'s own call: GET {api.url}/a: answered 503 (Service Unavailable): "busy"',
        f'- fallback 1: GET {api.url}/b: answered 404 (Not Found): "none"',
    ]
    assert (error["type"], error["status"], error["attempts"], ran.tries["a"]) == ("status", 404, 3, 2)


REASONS = {
    "a missing secret": "headers: {X-Key: '${NOT_THERE}'}",
    "a refused request": "headers: {X-Key: '{{ \"a\\nb\" }}'}",
    "a connection that is not there": "service: nowhere",
    "a timeout": "retry: {limit: 0, timeout: 200ms}",
    "a rule": "expect: {fail_when: response.body.ok == false}",
    "a schema": "expect: {schema: {required: [id]}}",
    "a body that cannot be read": "endpoint: /binary",
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_makes_a_call_fail_makes_the_next_one_answer(run_workflow: RunWorkflow, api: Api, reason: str) -> None:
    """An answer that is no good, or something that the call needs and is not there."""
    api.delays["/a"] = 5 if reason == "a timeout" else 0
    api.answer("/a", 200, {"ok": False})
    api.answer("/binary", 200, b"\x00\xff", Content_Type="application/octet-stream")
    own = REASONS[reason] if "endpoint" in REASONS[reason] else f"endpoint: /a, {REASONS[reason]}"
    plain = "{endpoint: /b, service: plain, headers: {X-Key: x}, expect: {fail_when: 'false', schema: {required: []}}}"
    ran = run_workflow(
        HEAD.replace("defaults", f"services: {{plain: {{api_base: '{api.url}'}}}}\ndefaults")
        + f"  - {{name: a, {own}, fallback: [{plain}]}}\n"
    )
    assert (ran.state, ran.xcom("a", "answered_by"), ran.xcom("a")) == ("success", 1, {"path": "/b"})


def test_a_fault_in_a_template_is_no_reason_to_call_somebody_else(run_workflow: RunWorkflow, api: Api) -> None:
    """In the request as in the transform: it is told, and would be hidden otherwise."""
    for fault in ("query: {q: '{{ inputs.nothing.there }}'}", "response_transform: '{{ response.body.nothing }}'"):
        ran = run_workflow(HEAD + f"  - {{name: a, endpoint: /a, {fault}, fallback: [{{endpoint: /b}}]}}\n")
        assert (ran.state, error_of(ran)["type"], api.calls("/b")) == ("failed", "expression", [])


def test_a_value_answers_when_nobody_does(run_workflow: RunWorkflow, api: Api) -> None:
    """A built-in answer as the last resort."""
    api.answer("/a", 500)
    ran = run_workflow(
        HEAD + "  - {name: a, endpoint: /a, fallback: [{value: {text: 'built in', run: '{{ run.scheduled }}'}}]}\n"
    )
    assert (ran.xcom("a"), ran.xcom("a", "answered_by")) == ({"text": "built in", "run": False}, 1)


def test_a_crash_goes_on_with_the_entry_it_was_at() -> None:
    """A process that dies in a fallback does not begin with the step's own call; a clear does."""
    store = MemoryStore()
    first = Attempts.load(store, 3).begin()
    second = first.next_entry("GET /a: answered 503").begin()
    assert (second.entry, second.number, second.made, second.failed) == (1, 1, 2, 0)
    loaded = Attempts.load(store, 3)
    assert (loaded.entry, loaded.number, loaded.made, loaded.crashed) == (1, 1, 2, True)
    assert loaded.errors == ("GET /a: answered 503",)
    assert store.values["attempt.1"]["reason"] == "GET /a: answered 503"
    assert store.values["attempt.2"]["entry"] == 1
    waiting = loaded.next_entry("GET /b: answered 503")
    again = Attempts.load(store, 3)
    assert (waiting.entry, again.entry, again.number, again.crashed, again.started) == (2, 2, 0, False, None)
    assert len(again.errors) == 2
    cleared = Attempts.load(store, 7)
    assert (cleared.entry, cleared.errors, cleared.number) == (0, (), 0)


def test_an_error_inside_of_a_good_status_fails_for_good(run_workflow: RunWorkflow, api: Api) -> None:
    """It is not tried again, and the step's error tells the rule."""
    api.answer("/a", 200, {"error": {"code": 7}})
    ran = run_workflow(HEAD + "  - {name: a, endpoint: /a, expect: {fail_when: response.body.error.code == 7}}\n")
    error = error_of(ran)
    assert (ran.state, len(api.calls("/a"))) == ("failed", 1)
    assert (error["type"], error["status"]) == ("outcome", 200)
    assert "answered 200 (OK); 'fail_when' is true (response.body.error.code == 7)" in error["message"]


def test_an_answer_that_is_not_ready_is_asked_for_again(run_workflow: RunWorkflow, api: Api) -> None:
    """A POST too, although no retry is written for it: the rule says so."""
    api.answer("/a", 202, {"state": "pending"})
    api.answer("/a", 200, {"state": "done"})
    head = HEAD.replace("defaults: {retry: {limit: 1, delay: 10ms}}\n", "")
    ran = run_workflow(
        head + "  - {name: a, endpoint: /a, method: POST, retry: {limit: 3, delay: 10ms, on: []},\n"
        "     expect: {retry_when: response.status == 202, success_when: response.body.state == 'done'}}\n"
    )
    assert (ran.state, ran.xcom("a"), len(api.calls("/a"))) == ("success", {"state": "done"}, 2)
    assert ran.record("a", 1)["reason"] == "'retry_when' of status 202"


def test_a_conflict_can_be_as_good_as_done(run_workflow: RunWorkflow, api: Api) -> None:
    """What was done already is what was wanted."""
    api.answer("/a", 409, {"code": "exists"})
    rule = "response.status < 300 or response.body.code == 'exists'"
    ran = run_workflow(HEAD + f'  - {{name: a, endpoint: /a, method: POST, expect: {{success_when: "{rule}"}}}}\n')
    assert (ran.state, ran.xcom("a")) == ("success", {"code": "exists"})
