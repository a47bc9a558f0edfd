"""JSONPath as a whole value, inside text, in maps and as a filter."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Compiler, Limits, Scope, StepResult
from tests.expressions.places import COMPILER, HOSTILE, SCOPE, text, value

VALUES: list[tuple[str, Any]] = [
    ("$.input.n", 4),
    (" $.inputs.n\n", 4),
    ("$['input']['x-y']", 9),
    ("$.input.list[0]", 3),
    ("$.input.list[-1]", 2),
    ("$.input.list[*]", [3, 1, 2]),
    ("$.input.list[?@ > 1]", [3, 2]),
    ("$.input.list[?@ == $.input.obj.a]", [1]),
    ("$.input.none", None),
    ("$.variables.topic", "algebra"),
    ("$.outputs.questions[0]", "q1"),
    ("$.execution.id", "run-1"),
    ("$.run.window.end", "2026-01-31T02:00:00+08:00"),
    ("$.provider_id", "provider"),
    ("$.item.id", "i1"),
    ("$.index", 0),
    ("$.steps.fetch.output.items", "the item"),
    ("$.steps['my-step'].output", {"v": 1}),
    ("$.steps.fetch.status", "success"),
    ("$.steps.tolerated.error.status", 503),
    ("$.steps.tolerated.failed[0].index", 1),
    ("$.steps.group.output[1].v", 1),
    ("$.steps.group.status", "success"),
    ("$.steps['fetch', 'skipped'].status", ["success", "skipped"]),
    ("$.steps[?@.status == 'tolerated'].error.status", [503]),
    ("$.input..b", [[2]]),
    ("$.steps.fetch.output['']", "nameless"),
    ("{$.input.n}", "4"),
    ("n={$.input.n}, {$['input'].obj}", 'n=4, {"a": 1, "b": [2]}'),
    ("{$.input.text}", HOSTILE),
    ("$", "$"),
    ("costs $5", "costs $5"),
]


@pytest.mark.parametrize("written,expected", VALUES)
def test_a_path_yields_what_it_selects(written: str, expected: object) -> None:
    """A whole path keeps the type, one that can select many is a list; inside text it is text."""
    assert value(written) == expected


INVALID = [
    ("$.nope", "'$.nope': '$' has no 'nope'. There are: execution, index, input,"),
    ("$.step.fetch", "'$' has no 'step'. Did you mean 'steps'?"),
    ("$.page", "'$' has no 'page'."),
    ("$.input[", "'$.input[' is not a JSONPath (RFC 9535)"),
    ("$.input.n is here", "is not a JSONPath"),
    ("$.steps.my-step.output", "Write ['my-step'] for a name with '-'."),
    ("$.steps.fetch.items", "a step has output, status, error, failed, answered_by. Write $.steps.fetch.output.items."),
    ("$.input.list[?@ == $.nope]", "'$' has no 'nope'."),
    ("x {$.input.n", "'{$' begins a path, written {$.path}; its '}' is missing"),
    ("$" + ".a[?@" * 3000, "is not a JSONPath"),
]


@pytest.mark.parametrize("written,message", INVALID)
def test_a_wrong_path_is_refused_when_it_is_compiled(written: str, message: str) -> None:
    """The error shows the path and what to write."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.value(written)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "written,message",
    [
        ("$.input.zz", "'$.input.zz' selects nothing: there is no member 'zz'."),
        ("$.input.lst", "Did you mean 'list'?"),
        ("$.input.list[9]", "a list has no item 9."),
        ("$.steps.skipped.output.x", "null has no member 'x'."),
        ("$.response", "'$.response' selects nothing"),
        ("a {$.input.zz}", "'$.input.zz' selects nothing"),
    ],
)
def test_a_path_that_must_select_something_says_where_it_ends(written: str, message: str) -> None:
    """The error names the path and the first member that is not there."""
    with pytest.raises(ExpressionError) as caught:
        value(written)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["城市", "a城市b", "été", "😀x😀", "北京_9"])
@pytest.mark.parametrize("shape", ["$.input.NAME", "{$.input.NAME}!", "$.input..NAME", "$[?@.NAME == 'v'].NAME"])
def test_a_name_may_have_any_letters(name: str, shape: str) -> None:
    """After a dot, names of all languages are names, as RFC 9535 says."""
    found = Compiler().value(shape.replace("NAME", name)).evaluate(Scope(inputs={name: "v"}))
    assert found in ("v", "v!", ["v"], ["v", "v"])


@pytest.mark.parametrize("path", ["$.input['城市", "$.input[?(@.城市 == 1]", "$.input.城市 [", "$.input.-城"])
def test_a_path_of_any_letters_can_be_wrong(path: str) -> None:
    """Brackets are checked there too."""
    with pytest.raises(ExpressionError, match="is not a JSONPath"):
        Compiler().value(path)


def test_a_path_in_text_is_found_before_its_own_brace() -> None:
    """A brace in quotes within a path belongs to the path."""
    scope = Scope(inputs={"}": 1, "a'}": 2})
    assert text("<{$.input['}']}>", scope) == "<1>"
    assert text("<{$.input['a\\'}']}>", scope) == "<2>"
    assert text("<{$.input['}']}{{ inputs['}'] }}>", scope) == "<11>"


def test_a_whole_path_in_a_text_is_its_text() -> None:
    """A header's value may be one path."""
    assert text("$.input.obj") == '{"a": 1, "b": [2]}'


def test_an_input_map_is_constants_paths_and_text() -> None:
    """Absent is null for a whole path; the structure and its types stay."""
    written = {
        "a": "$.input.n",
        "b": "$.input.zz",
        "c": "constant",
        "d": ["x{$.input.n}", {"e": 1.5, "f": None}],
        "g": "$",
    }
    compiled = COMPILER.mapping(written)
    assert compiled.evaluate(SCOPE) == {
        "a": 4,
        "b": None,
        "c": "constant",
        "d": ["x4", {"e": 1.5, "f": None}],
        "g": "$",
    }
    assert {(each.kind, each.name) for each in compiled.references} == {("input", "n"), ("input", "zz")}


def test_an_input_map_does_not_take_jinja() -> None:
    """Braces of Jinja are refused and not sent as they are; the place is named."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.mapping({"a": [{"b": "{{ inputs.n }}"}]})
    assert str(caught.value).startswith("'a[0].b': {{ }} is not understood here: write $.path")


def test_an_output_map_is_over_the_body() -> None:
    """`$` is the answer's body; absent is null; any name may begin the path."""
    compiled = COMPILER.path_mapping({"id": "$.id", "no": "$.zz", "all": "$", "ids": "$.rows[*].id", "kind": "fixed"})
    body = {"id": 7, "rows": [{"id": 1}, {"id": 2}]}
    assert compiled.evaluate(SCOPE.with_root(body)) == {
        "id": 7,
        "no": None,
        "all": body,
        "ids": [1, 2],
        "kind": "fixed",
    }
    assert compiled.references == frozenset()


@pytest.mark.parametrize("body", [None, "text", [1, 2], 5])
def test_an_output_map_takes_any_body(body: object) -> None:
    """A body that is no object has no members, and the whole of it is `$`."""
    assert COMPILER.path_mapping({"a": "$.a", "all": "$"}).evaluate(SCOPE.with_root(body)) == {"a": None, "all": body}
    assert COMPILER.body_path("$.a").evaluate(SCOPE.with_root(body)) is None


def test_a_structure_names_the_place_of_an_error() -> None:
    """Compiling and evaluating both say where in the structure."""
    with pytest.raises(ExpressionError, match=r"'a\.b\[1\]': unknown name 'nope'"):
        COMPILER.value({"a": {"b": [1, "{{ nope }}"]}})
    with pytest.raises(ExpressionError, match=r"'a\.b\[1\]': there is no input 'zz'"):
        value({"a": {"b": [1, "{{ inputs.zz }}"]}})
    with pytest.raises(ExpressionError, match=r"the name of a member is not a template \(got '\$\{A\}'\)"):
        COMPILER.value({"${A}": 1})


def test_a_structure_without_expressions_is_constant() -> None:
    """Constants are told apart, and numbers that remember their source become plain ones."""
    compiled = COMPILER.value({"a": [1, 1.5, "x", None, True], 2: "y"})
    assert compiled.constant
    assert compiled.evaluate(SCOPE) == {"a": [1, 1.5, "x", None, True], "2": "y"}
    assert compiled.source == '{"a": [1, 1.5, "x", null, true], "2": "y"}'


def test_a_slow_pattern_ends_in_time() -> None:
    """A regular expression of a path cannot hang the step."""
    compiler = Compiler(limits=Limits(seconds=0.1))
    scope = Scope(inputs={"t": ["a" * 40 + "b"]})
    with pytest.raises(ExpressionError, match="the pattern takes too long"):
        compiler.value("$.input.t[?match(@, '(a|aa)+[cd]')]").evaluate(scope)


@pytest.mark.parametrize(
    "path,expected",
    [
        ("match(@, 'a.')", ["ab"]),
        ("search(@, 'b')", ["ab"]),
        ("match(@, '[')", []),
        ("match(@, 1)", []),
        ("search(@, 'z')", []),
    ],
)
def test_patterns_are_those_of_rfc_9485(path: str, expected: list[str]) -> None:
    """A pattern that is none matches nothing, as RFC 9535 says; what is not text does not match."""
    assert value(f"$.input.t[?{path}]", Scope(inputs={"t": ["ab", 7]})) == expected


def test_a_path_over_much_data_ends_in_time() -> None:
    """Every step of a path looks at the clock, queries in filters too."""
    rows = list(range(3000))
    compiler = Compiler(limits=Limits(seconds=0.1))
    for path in ("$.input.rows[?count($.input.rows[*]) > @]", "$.steps..[?@ == 1]..*"):
        steps = {f"s{number}": StepResult({"r": rows[:50]}, "success") for number in range(3000)}
        with pytest.raises(ExpressionError, match=r"takes more than 0\.1 s"):
            compiler.value(path).evaluate(Scope(inputs={"rows": rows}, steps=steps))
