"""What undoes a step, as it is planned: its call, its order, what it inherits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.expressions import Scope, StepResult
from airflow_provider_gimme.operators.undoing import without_turn
from airflow_provider_gimme.plan import Plan, plan_text
from airflow_provider_gimme.plan.compensation import undo_waits

HEAD = """
name: flow
api_base: https://one.example.com
services: {two: {api_base: https://two.example.com, retry: {limit: 9}}}
"""


def planned(steps: str) -> Plan:
    return plan_text(f"{HEAD}steps:\n{steps}", "flow.yaml")


def test_it_goes_to_the_services_api_with_its_retries() -> None:
    """A POST is tried again after any failure, although nobody wrote `retry` at the step."""
    plan = planned(
        "  - {name: a, service: two, endpoint: /a, payload: {}, compensation: {endpoint: /b, payload: {}}}\n"
    )
    undo = plan.by_id["undo.a"]
    work: Any = undo.work
    assert work.render(Scope(), work.service.api_base.evaluate(Scope()), None).target == "https://two.example.com/b"
    assert (undo.retry.limit, undo.retry.safe_only) == (9, False)
    assert undo.attempt_timeout == timedelta(seconds=60)


def test_it_reads_outputs_without_waiting_for_them() -> None:
    """Another step's output is no dependency of the step, but is read; `output` is the step's own."""
    plan = planned(
        "  - {name: a, endpoint: /a, depends_on: [], payload: {}, compensation:"
        " {endpoint: '/a/{{ output.id }}', method: DELETE, query: {by: '{{ steps.b.id }}'}, timeout: 5s}}\n"
        "  - {name: b, endpoint: /b, depends_on: []}\n"
    )
    undo = plan.by_id["undo.a"]
    assert plan.by_id["a"].upstream == plan.by_id["b"].upstream == ()
    assert undo.reads == {"a", "b"}
    assert (undo.attempt_timeout, undo.attempt_limit) == (timedelta(seconds=5), "the compensation's 'timeout'")
    scope = Scope(steps={"b": StepResult({"id": 2}, "success")}).with_extra(output={"id": 1})
    work: Any = undo.work
    request = work.render(scope, "https://one.example.com", None)
    assert (request.target, request.query) == ("https://one.example.com/a/1?by=2", (("by", "2"),))


def test_sides_are_undone_side_by_side() -> None:
    """A step is undone after the nearest steps behind it that can be; what cannot be is looked through."""
    undo = "compensation: {endpoint: /undo, method: DELETE}"
    plan = planned(
        f"  - {{name: a, endpoint: /a, depends_on: [], {undo}}}\n"
        f"  - {{name: b, endpoint: /b, depends_on: [a], {undo}}}\n"
        "  - {name: c, endpoint: /c, depends_on: [a]}\n"
        f"  - {{name: d, endpoint: /d, depends_on: [c], {undo}}}\n"
        f"  - {{name: e, endpoint: /e, depends_on: [b, d], {undo}}}\n"
    )
    waits = undo_waits(plan.steps)
    assert list(waits) == ["e", "d", "b", "a"]
    assert {name: set(before) for name, before in waits.items()} == {
        "e": set(),
        "d": {"e"},
        "b": {"e"},
        "a": {"b", "d"},
    }


_ORDERS = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        st.lists(st.sets(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size),
        st.sets(st.integers(0, size - 1)),
    )
)


@given(_ORDERS)
def test_who_needs_no_turn_is_waited_for_by_nobody_who_matters(given_order: tuple[list[set[int]], set[int]]) -> None:
    """Nothing that is undone, nor anything that has to wait for it, is ended before its turn."""
    edges, chosen = given_order
    waits = {str(name): [str(each) for each in sorted(before) if each < name] for name, before in enumerate(edges)}
    undo = [str(name) for name in chosen if name < len(edges)]
    needless = set(without_turn(waits, undo))
    for name, before in waits.items():
        matters = name in undo or any(each not in needless for each in before)
        assert (name not in needless) == matters
