"""The entries of a `fallback`: what each inherits, where what is wrong with one is told, what it plans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_gimme.errors import WorkflowError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.plan import Plan, StepPlan, plan_text

HEAD = """
name: flow
api_base: https://one.example.com
services:
  two: {api_base: https://two.example.com, timeout: 7s, retry: {limit: 9}, headers: {X-Two: "2"}}
"""


def planned(steps: str, more: str = "") -> Plan:
    return plan_text(HEAD + more + "steps:\n" + steps, "flow.yaml")


def entries(steps: str, more: str = "") -> tuple[StepPlan, ...]:
    return planned(steps, more).steps[-1].entries


def shown(step: StepPlan) -> tuple[str, str, Any]:
    """Return method, URL and body of a step's call."""
    work: Any = step.work
    base = work.service.api_base.evaluate(Scope())
    request = work.render(Scope(), base, None)
    return request.method, request.target, request.body


CALL = """
  - name: ask
    endpoint: /a
    payload: {model: large, text: hello}
    retry: {limit: 2, delay: 1s}
    headers: {X-A: "1", X-B: "2"}
    timeout: 30s
"""


def test_an_entry_is_the_step_but_for_what_it_writes() -> None:
    """Maps merge deeply, what is not written is the step's."""
    own, first, second = entries(
        f"{CALL}    fallback:\n"
        "      - {payload: {model: small}, retry: {limit: 0, timeout: 4s}, headers: {x-a: other}}\n"
        "      - {service: two, endpoint: /b}\n"
    )
    assert shown(own) == ("POST", "https://one.example.com/a", b'{"model":"large","text":"hello"}')
    assert shown(first) == ("POST", "https://one.example.com/a", b'{"model":"small","text":"hello"}')
    assert shown(second) == ("POST", "https://two.example.com/b", b'{"model":"large","text":"hello"}')
    assert [(step.retry.limit, step.retry.delay) for step in (own, first, second)] == [
        (2, timedelta(seconds=1)),
        (0, timedelta(seconds=1)),
        (2, timedelta(seconds=1)),
    ]
    headers: Any = first.work
    assert {name: text.source for name, text in headers.headers.items()} == {"x-a": "other", "X-B": "2"}
    assert (own.attempt_timeout, own.attempt_limit) == (timedelta(seconds=30), "the step's 'timeout'")
    assert (first.attempt_timeout, first.attempt_limit) == (timedelta(seconds=4), "'retry.timeout'")


def test_an_entry_of_another_service_has_that_ones_retries() -> None:
    """Where the step writes none: what comes from a service comes from its own."""
    own, other = entries(
        "  - {name: ask, endpoint: /a, fallback: [{service: two}]}\n", "defaults: {retry: {delay: 2s}}\n"
    )
    assert (own.retry.limit, own.retry.delay) == (3, timedelta(seconds=2))
    assert (other.retry.limit, other.retry.delay) == (9, timedelta(seconds=2))


def test_keys_that_exclude_each_other_replace_each_other() -> None:
    """An entry with a body of another kind has that body alone, and is of the method that goes with it."""
    _, text, query = entries(
        "  - name: ask\n    endpoint: /a\n    payload: {a: 1}\n    fallback:\n"
        "      - {payload_template: '[1]'}\n      - {method: GET, input_map: {b: 2}}\n"
    )
    assert shown(text) == ("POST", "https://one.example.com/a", b"[1]")
    assert shown(query) == ("GET", "https://one.example.com/a?b=2", None)


def test_a_fallback_comes_from_the_defaults() -> None:
    """As every key does; the entries are over the step that takes them."""
    _, other = entries("  - {name: ask, endpoint: /x}\n", "defaults: {fallback: [{service: two}]}\n")
    assert shown(other) == ("GET", "https://two.example.com/x", None)


def test_an_entry_can_be_a_value() -> None:
    """Without any call: constants and templates."""
    step = entries("  - name: ask\n    endpoint: /a\n    fallback: [{value: {text: '{{ 1 + 1 }}', n: 2}}]\n")[1]
    work: Any = step.work
    assert work.value.evaluate(Scope()) == {"text": 2, "n": 2}
    assert step.retry.limit == 0


def test_what_an_entry_reads_the_step_waits_for() -> None:
    """A reference to a step in an entry is a dependency as any."""
    plan = planned(
        "  - {name: a, endpoint: /a}\n  - {name: b, endpoint: /b}\n"
        "  - {name: c, depends_on: [a], endpoint: /c, fallback: [{query: {q: '{{ steps.b.x }}'}}]}\n"
    )
    assert plan.steps[-1].upstream == ("a", "b")


def test_which_call_answered_can_be_read() -> None:
    """In Jinja and in a path, of a step with fallbacks or without."""
    plan = planned(
        "  - {name: a, endpoint: /a}\n"
        "  - {name: b, condition: '{{ steps.a.answered_by == 0 }}', endpoint: /b}\n"
        "  - {name: c, condition: '$.steps.a.answered_by == 0', endpoint: /c}\n"
    )
    assert [step.reads for step in plan.steps[1:]] == [{"a"}, {"a"}]


WRONG = [
    ("[{depends_on: [x]}]", "fallback[0]: unknown key 'depends_on'"),
    ("[{endpont: /b}]", "unknown key 'endpont'. Did you mean 'endpoint'?"),
    ("[{value: 1, endpoint: /b}]", "'value' and 'endpoint' exclude each other. Remove one."),
    ("[{value: 1}, {endpoint: /b}]", "fallback[0]: a 'value' always answers, so nothing behind it is ever tried."),
    ("[]", "fallback"),
    ("[{query: {q: '{{ steps.nobody.x }}'}}]", "fallback[0].query.q: no step or group is called 'nobody'"),
    ("[{query: {q: '${TOKEN'}}]", "fallback[0].query.q"),
    ("[{headers: {Authorization: Bearer abcdefgh}}]", "fallback[0].headers"),
    ("[{expect: {fail_when: 'response.boby.x'}}]", "fallback[0].expect.fail_when: an answer has no 'boby'"),
    (f"[{', '.join(['{endpoint: /b}'] * 11)}]", "fallback"),
]


@pytest.mark.parametrize("fallback,words", WRONG)
def test_what_is_wrong_with_an_entry_is_told_at_its_place(fallback: str, words: str) -> None:
    """Once, with the path of what was written."""
    with pytest.raises(WorkflowError) as caught:
        planned(f"  - {{name: ask, endpoint: /a, fallback: {fallback}}}\n")
    assert words in str(caught.value)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "fault", ["retry: {limit: -1}", "query: {q: '{{ nobody }}'}", "expect: {schema: {type: objekt}}"]
)
def test_what_an_entry_inherits_is_told_once(fault: str) -> None:
    """A fault of the step is no fault of each of its entries."""
    with pytest.raises(WorkflowError) as caught:
        planned(f"  - {{name: ask, endpoint: /a, {fault}, fallback: [{{method: PUT}}, {{method: DELETE}}]}}\n")
    assert len(caught.value.problems) == 1


def test_a_secret_may_stand_in_an_entry_as_in_a_step() -> None:
    """Where a call is made."""
    assert entries("  - {name: ask, endpoint: /a, fallback: [{headers: {X-Key: '${OTHER_KEY}'}}]}\n")
