"""The rules of `expect`: which of them holds for an answer, and what is wrong with one in a file."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_gimme.errors import WorkflowError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.outcome import Ruling
from airflow_provider_gimme.http.request import Response
from airflow_provider_gimme.plan import plan_text

FILE = """
name: flow
api_base: https://api.example.com
inputs: {{properties: {{least: {{type: integer, default: 3}}}}}}
steps:
  - name: fetch
    endpoint: /a
    expect: {expect}
"""


def rule(expect: dict[str, Any], status: int, body: Any = None, kind: str = "application/json") -> Ruling | None:
    """Return what the rules of a file say of an answer."""
    work: Any = plan_text(FILE.format(expect=json.dumps(expect)), "flow.yaml").steps[0].work
    judge = work.outcome.judge(Scope(inputs={"least": 3}))
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return judge(Response(status, Headers({"Content-Type": kind, "X-N": "2"}), raw, "u", timedelta(0), "GET u"))  # type: ignore[no-any-return]


def said(ruling: Ruling | None) -> str | None:
    """Say in a few words what a ruling is."""
    if ruling is None:
        return None
    problem = f": {ruling.problem}" if ruling.problem else ""
    return f"{ruling.verdict} by {ruling.rule}{problem}"


FAIL, RETRY, GOOD = ({f"{name}_when": "response.body.x == 1"} for name in ("fail", "retry", "success"))
ALL = {**FAIL, **RETRY, **GOOD}
TEXT = "text/html"

RULINGS: list[tuple[dict[str, Any], int, Any, str | None]] = [
    (FAIL, 200, {"x": 1}, "fail by fail_when"),
    (FAIL, 503, {"x": 1}, "fail by fail_when"),
    (FAIL, 200, {"x": 2}, None),
    (RETRY, 200, {"x": 1}, "retry by retry_when"),
    (RETRY, 404, {"x": 1}, "retry by retry_when"),
    (GOOD, 200, {"x": 1}, "good by success_when"),
    (GOOD, 409, {"x": 1}, "good by success_when"),
    (GOOD, 200, {"x": 2}, "bad by success_when"),
    (ALL, 200, {"x": 1}, "fail by fail_when"),
    ({**RETRY, **GOOD}, 200, {"x": 1}, "retry by retry_when"),
    ({"fail_when": "response.status == 404"}, 404, None, "fail by fail_when"),
    ({"retry_when": "response.headers['x-n'] == '2'"}, 200, None, "retry by retry_when"),
    ({"fail_when": "$.response.body.x == 1"}, 200, {"x": 1}, "fail by fail_when"),
    ({"success_when": "response.body.x >= inputs.least"}, 200, {"x": 2}, "bad by success_when"),
    ({"fail_when": "{{ response.body.x == 1 }}"}, 200, {"x": 1}, "fail by fail_when"),
]


@pytest.mark.parametrize("expect,status,body,wanted", RULINGS)
def test_the_rules_are_asked_in_their_order(expect: dict[str, Any], status: int, body: Any, wanted: str | None) -> None:
    """`fail_when`, `retry_when`, `success_when`; the status only where none of them has a word to say."""
    assert said(rule(expect, status, body)) == wanted


ABSENT: list[Any] = [{"y": 1}, [], "text", None, b"<html>", b'{"x": ']


@pytest.mark.parametrize("body", ABSENT, ids=map(str, ABSENT))
@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("condition", ["response.body.x == 1", "$.response.body.x == 1"])
def test_a_rule_over_what_is_not_there_does_not_hold(condition: str, status: int, body: Any) -> None:
    """An error page is judged by its status, and an answer without the member is no failure."""
    kind = TEXT if isinstance(body, bytes) and body.startswith(b"<") else "application/json"
    assert rule({"fail_when": condition}, status, body, kind) is None
    assert rule({"retry_when": condition}, status, body, kind) is None
    ruling = rule({"success_when": condition}, status, body, kind)
    assert ruling is not None
    assert (ruling.verdict, bool(ruling.problem)) == ("bad", True)


def test_why_a_success_cannot_be_told_is_said() -> None:
    """With what was read and what is there instead."""
    ruling = rule(GOOD, 200, {"y": 1})
    assert said(ruling) == "bad by success_when: there is no member 'x'. There are: y."


def test_a_rule_that_is_no_condition_is_told_of_good_answers_alone() -> None:
    """An answer that its status refuses is refused by its status."""
    expect = {"fail_when": "response.body.error"}
    wanted = "bad by fail_when: a condition is true or false (got text). Write a comparison."
    assert said(rule(expect, 200, {"error": "no"})) == wanted
    assert rule(expect, 500, {"error": "no"}) is None
    assert rule(expect, 200, {"fine": 1}) is None


def test_a_binary_body_is_null_to_a_rule() -> None:
    """It is no text, and no reason for a rule to fail."""
    assert said(rule({"fail_when": "response.body is none"}, 200, b"\x00\xff", "image/png")) == "fail by fail_when"


def test_a_body_that_is_not_what_it_says_is_text_to_a_rule() -> None:
    """What says that it is JSON and is not can still be looked into."""
    assert said(rule({"fail_when": "'maintenance' in response.body"}, 200, b"<p>maintenance")) == "fail by fail_when"


SCHEMA = {
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": {"type": "array", "items": {"properties": {"price": {"type": "number"}}, "required": ["id"]}},
        "day": {"type": "string", "format": "date"},
        "kind": {"anyOf": [{"const": "a"}, {"type": "object", "required": ["name"]}]},
    },
}

MISFITS: list[tuple[Any, list[str]]] = [
    ({"items": [{"id": 1, "price": 2}], "day": "2026-01-31"}, []),
    ({}, ["$: 'items' is a required property"]),
    ([], ["$: [] is not of type 'object'"]),
    ({"items": [{"id": 1}, {"id": 2, "price": 'a"b'}]}, ['$.items[1].price: "a\\"b" is not of type \'number\'']),
    ({"items": [], "day": "31.1."}, ["$.day: \"31.1.\" is not a 'date'"]),
    ({"items": [], "kind": {"nam": 1}}, ["$.kind: 'name' is a required property"]),
    (b"{", ["$: the body of status 200 (application/json, 1 bytes) says that it is JSON and is not"]),
]


@pytest.mark.parametrize("body,wanted", MISFITS)
def test_a_body_that_does_not_fit_is_told_by_its_places(body: Any, wanted: list[str]) -> None:
    """Each fault with where in the body it is, the value as JSON; it fails for good."""
    ruling = rule({"schema": SCHEMA}, 200, body)
    faults = () if ruling is None else ruling.faults
    assert [f"{fault.path}: {fault.message}"[: len(text)] for fault, text in zip(faults, wanted, strict=True)] == wanted
    assert said(ruling) == ("fail by schema" if wanted else None)


def test_the_schema_is_for_good_answers() -> None:
    """A bad status is judged as that; what a rule calls good is checked."""
    assert rule({"schema": SCHEMA}, 404, {}) is None
    assert said(rule({"schema": SCHEMA, "status": 404}, 404, {})) == "fail by schema"
    assert said(rule({"schema": SCHEMA, "success_when": "true"}, 500, {})) == "fail by schema"
    assert said(rule({"schema": SCHEMA, "success_when": "true"}, 500, {"items": []})) == "good by success_when"


def test_of_many_faults_the_first_are_told() -> None:
    """Five, and how many more."""
    ruling = rule({"schema": SCHEMA}, 200, {"items": [{}] * 12})
    assert ruling is not None
    assert (len(ruling.faults), ruling.more) == (5, 7)


def test_without_rules_there_is_no_judge() -> None:
    """The status alone needs none."""
    work: Any = plan_text(FILE.format(expect='{"status": [200, "4xx"]}'), "flow.yaml").steps[0].work
    assert work.outcome.judge(Scope()) is None
    assert work.statuses == {200, *range(400, 500)}


def test_a_schema_over_a_saved_body_is_a_problem() -> None:
    """Nobody would check it."""
    text = FILE.format(expect='{"schema": {"type": "object"}}') + "    save_to: a.json\n"
    with pytest.raises(WorkflowError, match="a body that is saved is not read, so it is not checked"):
        plan_text(text, "flow.yaml")
