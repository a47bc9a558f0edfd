"""What an expression refers to."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.expressions import ANY, Reference
from tests.expressions.places import COMPILER

CASES: list[tuple[str, set[tuple[str, str, str | None]]]] = [
    ("{{ steps.a }}", {("step", "a", None)}),
    ("{{ steps.a.b.c }}", {("step", "a", "b")}),
    ("{{ steps['my-step'].v }}", {("step", "my-step", "v")}),
    ("{{ steps.a[0].b }}", {("step", "a", None)}),
    ("{{ steps[topic].b }}", {("step", ANY, None), ("variable", "topic", None)}),
    ("{{ steps['a' ~ topic] }}", {("step", ANY, None), ("variable", "topic", None)}),
    ("{{ steps }}", {("step", ANY, None)}),
    ("{{ steps.a[steps.b.c] }}", {("step", "a", None), ("step", "b", "c")}),
    ("{{ steps.a['x':] }}", {("step", "a", None)}),
    ("{{ status('a') }}", {("step", "a", "status")}),
    ("{{ error('a').x }}", {("step", "a", "error")}),
    ("{{ failed(topic) }}", {("step", ANY, None), ("variable", "topic", None)}),
    ("{{ inputs.a.b }}", {("input", "a", "b")}),
    ("{{ inputs['a'] }}", {("input", "a", None)}),
    ("{{ inputs }}", set()),
    ("{{ topic.x }} {{ variables.count }}", {("variable", "topic", "x"), ("variable", "count", None)}),
    ("{{ outputs.q.x }}", {("output", "q", "x")}),
    ("{{ outputs[topic] }}", {("output", ANY, None), ("variable", "topic", None)}),
    ("{{ run.window.end }} {{ execution.id }}", {("run", "window", "end"), ("run", "id", None)}),
    (
        "{{ provider_id }} {{ item.id }} {{ index }}",
        {("name", "provider_id", None), ("name", "item", "id"), ("name", "index", None)},
    ),
    (
        "{{ collect_question_ids(steps.g) | tojson }}",
        {("function", "collect_question_ids", None), ("step", "g", None), ("filter", "tojson", None)},
    ),
    ("{{ [1] | map('shout') | list }}", {("filter", "map", None), ("filter", "shout", None), ("filter", "list", None)}),
    ("{% for s in steps.a %}{{ s.b }}{{ loop.index }}{% endfor %}", {("step", "a", None)}),
    ("{% set s = steps.a %}{{ s.b }}", {("step", "a", None)}),
    ("{% macro m(x) %}{{ x.y }}{{ varargs }}{% endmacro %}{{ m(steps.a) }}", {("step", "a", None)}),
    ("{% for topic in inputs.x %}{{ topic }}{% endfor %}", {("input", "x", None)}),
    ("{$.steps.a.output.b} {{ 1 }}", {("step", "a", "b")}),
    ("$.steps.a.status", {("step", "a", "status")}),
    ("$.steps['my-step'].output", {("step", "my-step", None)}),
    ("$.steps[*].output", {("step", ANY, None)}),
    ("$..id", {("step", ANY, None), ("output", ANY, None)}),
    ("$.input.rows[?@.id == $.steps.a.output.id]", {("input", "rows", None), ("step", "a", "id")}),
    ("$.outputs.q", {("output", "q", None)}),
    ("$.outputs", {("output", ANY, None)}),
    ("$.variables.topic", {("variable", "topic", None)}),
    ("$.execution.id", {("run", "id", None)}),
    ("$.item.id", {("name", "item", "id")}),
    ("plain", set()),
]


@pytest.mark.parametrize("written,expected", CASES)
def test_references_are_told_without_evaluating(written: str, expected: set[tuple[str, str, str | None]]) -> None:
    """Each with its kind, its name and the first member read; names the template binds are not references."""
    references = COMPILER.value(written).references
    assert {(each.kind, each.name, each.member) for each in references} == expected


def test_a_structure_refers_to_what_its_texts_refer_to() -> None:
    """References of all texts are put together."""
    compiled = COMPILER.value({"a": "{{ steps.a }}", "b": ["$.input.n", "x"]})
    assert compiled.references == {Reference("step", "a"), Reference("input", "n")}
