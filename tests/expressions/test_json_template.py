"""JSON from text: values are escaped by where they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Scope
from tests.expressions.places import COMPILER, HOSTILE, SCOPE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HOSTILE_TEXT = st.text(alphabet='"\\{}[],:$%u0041n\n\t\u2028 a', max_size=12) | st.text()


def rendered(template: str, scope: Scope = SCOPE) -> Any:
    return COMPILER.json_template(template).evaluate(scope)


VALID: list[tuple[str, Any]] = [
    ('{"a": {{ inputs.n }}}', {"a": 4}),
    ('{"a": "{{ inputs.n }}"}', {"a": "4"}),
    ('{"a": {{ inputs.text }}}', {"a": HOSTILE}),
    ('{"a": "<{{ inputs.text }}>"}', {"a": f"<{HOSTILE}>"}),
    (
        '{"a": {{ inputs.obj }}, "b": {{ inputs.none }}, "c": {{ inputs.yes }}}',
        {"a": {"a": 1, "b": [2]}, "b": None, "c": True},
    ),
    ('{"a": {{ inputs.obj | tojson }}}', {"a": {"a": 1, "b": [2]}}),
    ('{"a": {{ inputs.obj | tojson | safe }}}', {"a": {"a": 1, "b": [2]}}),
    ('{"a": "{{ inputs.obj | tojson }}"}', {"a": '{"a": 1, "b": [2]}'}),
    ('{"a": {{ inputs.text | tojson }}}', {"a": HOSTILE}),
    ('{"a": {{ inputs.text | tojson | upper }}}', {"a": json.dumps(HOSTILE).upper()}),
    ('{"a": {{ steps.group }}}', {"a": [SCOPE.steps["fetch"].output, {"v": 1}]}),
    ('{"a": {{ collect_question_ids([steps.fetch]) | tojson }}}', {"a": ["q1", "q2"]}),
    ('{"a": "${TOKEN}", "b": ${TOKEN}}', {"a": 's3"cr/et', "b": 's3"cr/et'}),
    ('{"a": "x{$.input.text}", "b": {$.input.obj}}', {"a": f"x{HOSTILE}", "b": {"a": 1, "b": [2]}}),
    ('{"a\\"{{ topic }}": "\\\\{{ topic }}"}', {'a"algebra': "\\algebra"}),
    ('{"\\u0041{{ topic }}": 1}', {"Aalgebra": 1}),
    ("[{% for i in inputs.list %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}]", [3, 1, 2]),
    (
        '{% macro q(t) %}{"topic": {{ t }}, "s": "{{ t }}"}{% endmacro %}[{{ q("a\\"") }}, {{ q(1) }}]',
        [{"topic": 'a"', "s": 'a"'}, {"topic": 1, "s": "1"}],
    ),
    ('{% set body %}{"a": {{ inputs.text }}}{% endset %}{"b": {{ body }}}', {"b": {"a": HOSTILE}}),
    ('{% set body %}x{{ inputs.n }}{% endset %}{"b": "{{ body }}"}', {"b": "x4"}),
    ('{% macro m() %}{"c": {{ caller() }}}{% endmacro %}{% call m() %}{{ inputs.text }}{% endcall %}', {"c": HOSTILE}),
    ('{"a": {% filter upper %}x{{ topic }}{% endfilter %}}', {"a": "XALGEBRA"}),
    ("{{ inputs.obj }}", {"a": 1, "b": [2]}),
    ('  "plain"  ', "plain"),
    ('{"a": {{ "2026-01-31" | parse_date }}}', {"a": "2026-01-31"}),
    ('{"a": {{ inputs.list | map("string") | list | length }}}', {"a": 3}),
    ('{"a": {{ inputs.zz | default(none) }}}', {"a": None}),
]


@pytest.mark.parametrize("template,expected", VALID)
def test_a_template_yields_json(template: str, expected: object) -> None:
    """Inside quotes a value is escaped text, outside it is a JSON value of its own."""
    assert rendered(template) == expected


INVALID: list[tuple[str, str, int | None]] = [
    ('{\n"a": {{ inputs.n }}\n"b": 1}', "Expecting ',' delimiter) at line 3: `\"b\": 1}`", 3),
    ('{\n\n"a": {{ inputs.text }}{{ inputs.n }}}', 'at line 3: `"a": {{ inputs.text }}{{ inputs.n }}}`', 3),
    ('{"a": "x}', "does not yield JSON (Unterminated string starting at) at line 1", 1),
    ('{"a": "\\{{ inputs.text }}"}', "a value cannot follow a backslash", 1),
    ('{"a": "\\u00{{ inputs.n }}"}', "a value cannot follow a backslash", 1),
    ('{"a": "\\{% if true %}{% endif %}{{ inputs.text }}"}', "a value cannot follow a backslash", 1),
    ('{"a": {{ inputs.zz }}}', "there is no input 'zz'", 1),
    ('{"a": {{ 1e308 * 10 }}}', "inf is not a JSON value", 1),
    ('{"a": NaN}', "NaN is not a JSON value", None),
    ("", "Expecting value", 1),
    ('{"a": 1} ' + "x" * 100, "…`", 1),
    ('{\n%s\n"a": nope}' % ('"k": "' + "x" * 100 + '",'), 'at line 3: `"a": nope}`', 3),
]


@pytest.mark.parametrize("template,message,line", INVALID)
def test_what_is_not_json_is_told_with_the_template(template: str, message: str, line: int | None) -> None:
    """The error shows line and excerpt of the template, never of the rendering."""
    with pytest.raises(ExpressionError) as caught:
        rendered(template)
    assert message in str(caught.value)
    assert HOSTILE not in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "template,way_out",
    [
        ('{"a": {{ inputs.n }},\n}', "Remove the ',' before it"),
        ("[{{ inputs.n }}, {$.input.n},]", "Remove the ',' before it"),
        ("{'a': {{ inputs.n }}}", 'JSON has double quotes only: write "'),
        ('{"a": {{ inputs.n }} "b": 1}', "Expecting ',' delimiter"),
        ('{"a": ${TOKEN} "b": 1}', "Expecting ',' delimiter"),
        ('{"a": "{{ inputs.n }}}', "Unterminated string"),
    ],
)
def test_what_no_value_makes_json_is_told_when_it_is_read(template: str, way_out: str) -> None:
    """Before any run, and before the calls of earlier steps."""
    with pytest.raises(ExpressionError, match="does not yield JSON") as caught:
        COMPILER.json_template(template)
    assert way_out in str(caught.value)


@pytest.mark.parametrize(
    "template,expected",
    [
        (
            '{ {{ topic }}: 1, "{{ topic }}2": {{ inputs.obj | tojson }}}',
            {"algebra": 1, "algebra2": {"a": 1, "b": [2]}},
        ),
        ('{"a": 1{% if inputs.yes %}, "b": 2{% endif %}}', {"a": 1, "b": 2}),
    ],
)
def test_what_may_become_json_is_not_judged_when_it_is_read(template: str, expected: object) -> None:
    """Names from values, and tags."""
    assert rendered(template) == expected


@given(value=JSON)
def test_a_value_outside_quotes_is_itself(value: Any) -> None:
    """Whatever the value is, the document holds exactly it."""
    scope = Scope(inputs={"v": value})
    expected = {"a": value, "b": value, "c": 1}
    assert rendered('{"a": {{ inputs.v }}, "b": {{ inputs.v | tojson }}, "c": 1}', scope) == expected


@given(value=HOSTILE_TEXT, other=HOSTILE_TEXT)
def test_a_text_inside_quotes_cannot_break_out(value: str, other: str) -> None:
    """Whatever the text is, the document keeps its shape and the text its characters."""
    scope = Scope(inputs={"v": value, "w": other})
    template = '{"a": "<{{ inputs.v }}{{ inputs.w }}>", "b": "{$.input.v}", "{{ inputs.v }}k": {{ inputs.w }}}'
    assert rendered(template, scope) == {"a": f"<{value}{other}>", "b": value, f"{value}k": other}


@given(before=st.text(alphabet='"\\u0a{:', max_size=8), value=HOSTILE_TEXT)
def test_no_text_of_the_template_lets_a_value_break_out(before: str, value: str) -> None:
    """With any text before it, a value either stands as itself or the template is refused."""
    template = f'["{before}{{{{ inputs.v }}}}", 1]'
    if "{{{" in template or "{:{" in template:
        return
    try:
        got = rendered(template, Scope(inputs={"v": value}))
    except ExpressionError:
        return
    harmless = rendered(template, Scope(inputs={"v": ""}))
    assert len(got) == len(harmless)
    assert got[-1] == 1
    assert got[-2] == harmless[-2] + value or not isinstance(harmless[-2], str)


@given(name=HOSTILE_TEXT, items=st.lists(HOSTILE_TEXT, max_size=4))
def test_macros_and_blocks_escape_where_they_are_put(name: str, items: list[str]) -> None:
    """Text made by a macro or a block keeps its values apart until it is known where they stand."""
    template = (
        '{% macro row(x) %}{"n": {{ x }}, "q": "{{ x }}"}{% endmacro %}'
        "{% set head %}{{ inputs.name }}{% endset %}"
        '{"head": "{{ head }}", "rows": [{% for i in inputs.items %}{{ row(i) }}'
        "{% if not loop.last %},{% endif %}{% endfor %}]}"
    )
    got = rendered(template, Scope(inputs={"name": name, "items": items}))
    assert got == {"head": name, "rows": [{"n": item, "q": item} for item in items]}
