"""What a file says of a fan-out: the names its expressions know, and what is wrong with it."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.errors import WorkflowError
from airflow_provider_gimme.plan import Plan, plan_text
from airflow_provider_gimme.plan.call import CallWork
from airflow_provider_gimme.plan.for_each import ItemsPlan, Tolerance

HEAD = "name: w\napi_base: https://api.example\nvariables: {size: 3}\nsteps:\n"


def plan(step: str) -> Plan:
    return plan_text(f"{HEAD}  - {{name: a, endpoint: /a, {step}}}", "w.yaml")


def each(step: str) -> ItemsPlan:
    work = plan(step).by_id["a"].work
    assert isinstance(work, CallWork)
    assert work.each is not None
    return work.each


def problems(step: str) -> str:
    with pytest.raises(WorkflowError) as caught:
        plan(step)
    return str(caught.value)


def test_the_short_forms_are_the_long_one() -> None:
    """A list, or an expression for one, is `items`; the rest has its defaults."""
    for step in ("for_each: inputs.all", "for_each: {items: inputs.all}", "for_each: [1, 2]"):
        found = each(step)
        assert (found.max_parallel, found.tolerance, found.batch_size, found.key) == (16, Tolerance(0), None, None)


@pytest.mark.parametrize(
    "step",
    [
        'payload: {a: "{{ item.x }}", b: "{{ index }}", c: "{{ order.y }}"}',
        'query: {a: "{{ order }}"}, headers: {X-A: "{{ index }}"}',
        "input_map: {a: $.item.x, b: $.order.y}",
        'response_transform: "{{ [order, response.body] }}"',
        "expect: {success_when: response.body.id == order.id}",
        'idempotency: {key: "{{ order.id }}"}, method: POST',
        'fallback: [{payload: {a: "{{ order.x }}"}}, {value: "{{ order }}"}]',
    ],
)
def test_expressions_know_the_item(step: str) -> None:
    """`item`, its second name and `index` are known wherever something of one call is written, and nowhere else."""
    each(f"{step}, for_each: {{items: inputs.all, as: order, key: '{{{{ order.id }}}}'}}")
    assert "unknown name" in problems(step) or "'$' has no" in problems(step)


@pytest.mark.parametrize(
    "step, message",
    [
        ("for_each: {items: inputs.all, as: index}", "'index' has a meaning of its own in expressions"),
        ("for_each: {items: inputs.all, as: size}", "there is a variable of this name"),
        ("for_each: {items: inputs.all, as: my-item}", "not a name (got 'my-item'). Write letters, digits and '_'"),
        ("for_each: {items: inputs.all, tolerate: -1}", "less than none (got -1). Write 0 or more"),
        ("for_each: {items: inputs.all, tolerate: 101%}", "neither a count nor a percentage"),
        ("for_each: {items: inputs.all, max_parallel: 0}", "max_parallel"),
        ("for_each: {items: inputs.all, batch_size: 0}", "batch_size"),
        ("for_each: {as: x}", "items"),
        ("for_each: item.orders", "unknown name 'item'"),
        ('for_each: inputs.all, save_to: "{{ item }}.jsonl"', "unknown name 'item'"),
        ("for_each: inputs.all, sensitive: true, save_to: a.jsonl", "a sensitive list is kept in no file"),
        (
            "for_each: {items: inputs.all, batch_size: 2}, paginate: {kind: page}",
            "pages of a batch cannot be told apart",
        ),
        (
            "for_each: {items: inputs.all, batch_size: 2}, fallback: [{paginate: {kind: page}}]",
            "pages of a batch cannot",
        ),
    ],
)
def test_what_is_wrong(step: str, message: str) -> None:
    """It is told with the file."""
    assert message in problems(step)


def test_a_step_that_is_read_for_its_items_comes_first() -> None:
    """The list's expression makes a dependency; without a limit of its own the step has none."""
    planned = plan_text(f"{HEAD}  - {{name: b, endpoint: /b, depends_on: []}}\n  - {{name: a, for_each: steps.b}}", "w")
    assert planned.by_id["a"].upstream == ("b",)
    assert planned.by_id["a"].timeout is None


def test_how_many_may_fail() -> None:
    """A count is compared as it is, a percentage with the whole list, as soon as its length is known."""
    assert Tolerance(2).allows(2, None)
    assert not Tolerance(2).allows(3, 10**6)
    assert Tolerance(None, 10.0).allows(1, 10)
    assert not Tolerance(None, 10.0).allows(2, 19)
    assert Tolerance(None, 10.0).allows(99, None)
    assert str(Tolerance(None, 2.5)) == "2.5%"
