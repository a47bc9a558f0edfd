"""Conditions: true, false, or an error."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Compiler, Scope
from tests.expressions.places import COMPILER, SCOPE

VALID = [
    ("inputs.n > 3", True),
    ("{{ inputs.n > 4 }}", False),
    ("  {{ inputs.n == 4 }}\n", True),
    ("true", True),
    ("not inputs.yes", False),
    ("inputs.n in [4, 5] and topic == 'algebra'", True),
    ("steps.fetch.status == 'success'", True),
    ("steps.skipped is none", True),
    ("failed('tolerated') | length > 0", True),
    ("inputs.text == '$.input.n'", False),
    ('topic != "$.x" ', True),
    ("$.input.yes", True),
    ("$.input.yes == true", True),
    ("$.input.n == 4", True),
    ("$.input.n > 3 && $.variables.topic == 'algebra'", True),
    ("$.input.n > 4 || $.input.n < 5", True),
    ("!($.input.n == 4)", False),
    ("!$.input.zz", True),
    ("$.input.zz && $.input.zz.y == 1", False),
    ("$.input.yes || $.input.zz == 1", True),
    ("length($.input.list) >= 3", True),
    ("count($.input.list[*]) == 3", True),
    ("match($.variables.topic, 'alg.*')", True),
    ("4 == $.input.n", True),
    ("$.steps.fetch.output.items == 'the item'", True),
    ("$.steps['my-step'].output.v == 1", True),
    ("($.input.n == 4)", True),
    ("$.input.n == 4 && ($.input.n == 5 || $.input.none == null)", True),
]


@pytest.mark.parametrize("written,expected", VALID)
def test_a_condition_is_true_or_false(written: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """An expression, with or without braces, or a comparison of RFC 9535."""
    assert COMPILER.condition(written).evaluate(SCOPE) is expected


@pytest.mark.parametrize(
    "written,message",
    [
        ("inputs.n", "a condition is true or false (got a number). Write a comparison."),
        ("inputs.text", "(got text)"),
        ("inputs.none", "(got null)"),
        ("inputs.list", "(got a list)"),
        ("inputs.obj", "(got an object)"),
        ("$.input.n", "(got a number)"),
        ("$.input.zz", "'$.input.zz' selects nothing"),
        ("$.input.zz == 1", "'$['input']['zz']' selects nothing: there is no member 'zz'."),
        ("$.input.txet == 'a'", "there is no member 'txet'. Did you mean 'text'? Where it may be absent, ask for it"),
        ("1 == $.input.zz", "'$['input']['zz']' selects nothing"),
        ("$.input.yes && $.input.zz == 1", "'$['input']['zz']' selects nothing"),
        ("inputs.zz", "there is no input 'zz'"),
    ],
)
def test_what_is_not_a_boolean_is_an_error(written: str, message: str) -> None:
    """Nothing is taken for true or false, and an absent path is named."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.condition(written).evaluate(SCOPE)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "written,message",
    [
        ("$.input.n == 4 and $.input.n == 5", "Write && for 'and'."),
        ("$.input.n == 4 or true", "Write || for 'or'."),
        ("not $.input.n == 4", "Write ! for 'not'."),
        ("$.input.n = 4", "Write '==' where one '=' stands."),
        ("$.input.n >== 4", "is not a comparison of RFC 9535"),
        ("$.nope == 4", "'$' has no 'nope'."),
        ("$.input.n == 1, ?$.input.n == 2", "is not one comparison"),
        ("$.input.n == 1].x[?@.y", "is not one comparison"),
        ("{{ inputs.n }} > 3", "here stands one expression"),
        ("nope > 3", "unknown name 'nope'"),
        ("inputs.n >", "the template cannot be read"),
        ("${FLAG}", "a secret ${NAME} cannot be used within {{ }}"),
        ("", "the template cannot be read"),
    ],
)
def test_a_wrong_condition_is_refused_when_it_is_compiled(written: str, message: str) -> None:
    """Words of Jinja in a comparison of RFC 9535 are told with its own."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.condition(written)
    assert message in str(caught.value)


def test_a_comparison_refers_to_what_its_paths_name() -> None:
    """Only the paths written count, not the whole scope."""
    compiled = COMPILER.condition("$.steps.fetch.output.valid == true && $.input.n > 3")
    assert {(each.kind, each.name, each.member) for each in compiled.references} == {
        ("step", "fetch", "valid"),
        ("input", "n", None),
    }


@pytest.mark.parametrize(
    "text, expected",
    [
        ("$.status == 'done'", True),
        ("$.status == 'failed' || $.items[?@ == $.wanted]", True),
        ("$.status != 'done'", False),
        ("response.status == 202", True),
        ("$.over", False),
    ],
)
def test_a_condition_over_an_answer(text: str, expected: bool) -> None:  # noqa: FBT001
    """``$`` is the answer's body, whatever its members are called; ``response`` is known where it is told so."""
    body = {"status": "done", "items": [1, 2], "wanted": 2, "over": False}
    scope = Scope(extra={"response": {"status": 202}}).with_root(body)
    compiled = Compiler(local_names=frozenset({"response"})).body_condition(text)
    assert compiled.evaluate(scope) is expected


def test_an_expression_over_an_answer() -> None:
    """A path must select something, as elsewhere."""
    scope = Scope().with_root({"job": {"id": 7}})
    assert Compiler().body_expression("$.job.id").evaluate(scope) == 7
    with pytest.raises(ExpressionError, match=r"selects nothing"):
        Compiler().body_expression("$.job_id").evaluate(scope)
