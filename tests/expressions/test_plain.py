"""Members and their comparisons are evaluated without Jinja, and are what Jinja makes of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Compiler, Functions, Scope
from airflow_provider_gimme.expressions.names import Names
from airflow_provider_gimme.expressions.paths import Path
from airflow_provider_gimme.expressions.program import Program

ITEM = {"id": 7, "name": "Ünï", "tags": ["a", {"b": None}], "items": 3, "0": "zero"}
PLAIN = [
    "item",
    "item.id",
    "item['items']",
    "item.tags[0]",
    "item.tags[-1].b",
    "inputs.n",
    "size",
    "run.id",
    "item['0']",
    "'text'",
    "item.id == 7",
    "item.id != 7",
    "item.id > 6.5",
    "item.id >= 8",
    "item.id < inputs.n",
    "item.id <= size",
    "item.name == 'Ünï'",
    "item.name == 7",
    "item.tags[1].b == none",
    "item.tags == item.tags",
    "not item.id",
    "not item.tags[1].b",
    "item.id == 7 and size == 3",
    "item.id == 8 and item.absent == 3",
    "item.id == 7 or item.absent == 3",
    "item.id and item.name",
    "item.tags[1].b or item.name",
    "not (item.id == 7 and not size == 3)",
    "(item.id == 7) == true",
]
ABSENT = [
    "item.idd",
    "item.tags[9]",
    "item.tags.b",
    "item.id.x",
    "inputs.m",
    "item.tags[1].b.c",
]
WRONG = [
    "item.idd == 3",
    "item.id == 7 and item.idd == 3",
    "item.id == 8 or item.idd",
    "not item.idd.x",
    "item.id < item.name",
    "item.tags[1].b > 3",
]


def value(text: str) -> Any:
    scope = Scope(inputs={"n": 1}, variables={"size": 3}, extra={"item": ITEM}, run={"id": "r"})
    return Compiler(variables=frozenset({"size"}), local_names=frozenset({"item"})).value(text).evaluate(scope)


@pytest.mark.parametrize("text", PLAIN)
def test_it_has_the_value_that_jinja_finds(text: str) -> None:
    """A condition around it makes Jinja evaluate it."""
    found = value(f"{{{{ {text} }}}}")
    assert found == value(f"{{{{ ({text}) if true }}}}")
    assert type(found) is type(value(f"{{{{ ({text}) if true }}}}"))


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_compared_is_told_by_jinja(text: str) -> None:
    """A comparison with what is absent, or of what has no order, fails in Jinja's words."""
    with pytest.raises(ExpressionError) as ours:
        value(f"{{{{ {text} }}}}")
    with pytest.raises(ExpressionError) as jinjas:
        value(f"{{{{ ({text}) if true }}}}")
    assert (str(ours.value), ours.value.absent) == (str(jinjas.value), jinjas.value.absent)


@pytest.mark.parametrize("chain", ABSENT)
def test_it_fails_as_with_jinja(chain: str) -> None:
    """What is absent is told in the same words, and has its default."""
    with pytest.raises(ExpressionError) as ours:
        value(f"{{{{ {chain} }}}}")
    with pytest.raises(ExpressionError) as jinjas:
        value(f"{{{{ {chain} if true }}}}")
    assert (str(ours.value), ours.value.absent) == (str(jinjas.value), jinjas.value.absent)
    assert value(f"{{{{ {chain} | default(5) }}}}") == 5


@pytest.mark.parametrize(
    "text, plain",
    [
        ("{{ item.tags[0] }}", True),
        (" {{ item['a b'] }} ", True),
        ("{{ item.a == 3 and not item.b }}", True),
        ("{{ item[size] }}", False),
        ("{{ item.a | upper }}", False),
        ("{{ item.a + 1 == 3 }}", False),
        ("{{ 1 < item.a < 3 }}", False),
        ("{{ item.a in [1, 2] }}", False),
        ("{{ item.a is defined }}", False),
        ("{{ steps.x.status }}", False),
        ("{{ steps.x == 3 }}", False),
        ("{{ item.a }}{{ item.b }}", True),
        ("a {{ item.a }} b", True),
        ("a {{ item.a }} {$.input.b}", False),
        ("a {{ item.a | upper }}", False),
        ("{% if item.a %}{{ item.a }}{% endif %}", False),
    ],
)
def test_which_expressions_are(text: str, *, plain: bool) -> None:
    """Constants and constant keys after a name, one comparison at a time, and text of them; no step's output."""
    names = Names(Functions.none(), frozenset({"size"}), frozenset({"item"}))
    assert (Program.read(text, names, Path.compile, lone=True).quick is not None) is plain


STRUCTURES = [
    {"id": "{{ item.id }}", "all": ["{{ item.name }}", 3, {"n": "{{ inputs.n }}"}], "text": "a {{ item.id }} b"},
    {"tags": "{{ item.tags }}"},
    {"long": "{{ inputs.long }}", "deep": "{{ inputs.deep }}", "many": "{{ inputs.many }}"},
    {"keys": "{{ inputs.keys }}", "date": "{{ inputs.date }}"},
]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_structure_is_the_same_either_way(structure: dict[str, Any]) -> None:
    """One more member makes all of it go the slower way; large, deep and odd values do by themselves."""
    deep: Any = 1
    for _ in range(99):
        deep = [deep]
    inputs = {
        "n": 1,
        "long": "x" * 6000,
        "deep": deep,
        "many": list(range(5000)),
        "keys": {1: 2},
        "date": date(2026, 11, 23),
    }
    scope = Scope(inputs=inputs, extra={"item": ITEM})
    compiler = Compiler(local_names=frozenset({"item"}))
    quickly = compiler.value(structure).evaluate(scope)
    slowly = compiler.value({**structure, "slow": "{{ 1 + 1 }}"}).evaluate(scope)
    assert {**quickly, "slow": 2} == slowly
    assert not any(
        found is inputs[name] for name, found in quickly.items() if isinstance(found, list | dict) and name in inputs
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {None: object()}])
def test_what_is_no_json_is_told(value: Any) -> None:
    """The quick way leaves it to the slower one."""
    with pytest.raises(ExpressionError):
        Compiler(local_names=frozenset({"item"})).value({"a": "{{ item.a }}"}).evaluate(
            Scope(extra={"item": {"a": value}})
        )


@pytest.mark.parametrize("value", ["", None, [1], "..", "a/../b", "%2e%2e", True, "ä b/c", "7"])
@pytest.mark.parametrize("text", ["/things/{id}", "/things/{{ item.id }}/x", "{id}"])
def test_an_endpoint_is_the_same_either_way(text: str, value: Any) -> None:
    """A filter makes it go the slower way."""
    scope = Scope(extra={"item": {"id": value}, "path": {"id": value}})
    compiler = Compiler(local_names=frozenset({"item"}))
    slower = text.replace("item.id", "item.id | default(1)").replace("{id}", "{id}{{ '' | lower }}")

    def result(source: str) -> str:
        try:
            return compiler.endpoint(source).evaluate(scope)
        except ExpressionError as error:
            return error.message.partition(" is empty")[0]

    assert result(text) == result(slower)
