"""`${NAME}`: found in the file's own text, resolved when a call is made."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.errors import ExpressionError, SecretError
from airflow_provider_gimme.expressions import Scope
from tests.expressions.places import COMPILER, SCOPE, text, value


@pytest.mark.parametrize(
    "written,expected",
    [
        ("Bearer ${TOKEN}", 'Bearer s3"cr/et'),
        ("${TOKEN}${TOKEN}", 's3"cr/ets3"cr/et'),
        ("${TOKEN:-d}", 's3"cr/et'),
        ("${MISSING:-a default}", "a default"),
        ("${MISSING:-}", ""),
        ("${EMPTY:-used when empty}", "used when empty"),
        ("[${EMPTY}]", "[]"),
        ("$${TOKEN}", "${TOKEN}"),
        ("$$${TOKEN}", "$${TOKEN}"),
        ("$${TOKEN} {{ inputs.n }}", "${TOKEN} 4"),
        ("${TOKEN} {{ inputs.n }}", 's3"cr/et 4'),
        ("{% if inputs.yes %}${TOKEN}{% endif %}", 's3"cr/et'),
        ("${TOKEN}/{$.input.n}", 's3"cr/et/4'),
        ("$TOKEN", "$TOKEN"),
        ("{{ '$${TOKEN}' }}", "$${TOKEN}"),
    ],
)
def test_a_secret_in_the_text_is_resolved(written: str, expected: str) -> None:
    """With a default where it is missing or empty; `$${` is a plain `${`."""
    assert text(written) == expected
    assert value(written) == expected


@pytest.mark.parametrize(
    "written,message",
    [
        ("{{ '${TOKEN}' }}", "a secret ${NAME} cannot be used within {{ }}: write it outside"),
        ("{{ ${TOKEN} }}", "a secret ${NAME} cannot be used within {{ }}: write it outside"),
        ("{% if '${TOKEN}' %}{% endif %}", "cannot be used within {{ }}"),
        ("{% set a %}${TOKEN}{% endset %}", "'${TOKEN}' stands in a block. Write it in the text itself."),
        ("{% macro m() %}${TOKEN}{% endmacro %}", "'${TOKEN}' stands in a block"),
        ("{% filter upper %}${TOKEN}{% endfilter %}", "'${TOKEN}' stands in a block"),
        ("x\n${1A}", "'${' begins a secret, written ${NAME} or ${NAME:-default}. Write $${ for a plain '${'."),
        ("${a.b}", "'${' begins a secret"),
        ("${A", "'${' begins a secret"),
        ("{{ 1 }}\n${A b}", "'${' begins a secret"),
    ],
)
def test_a_secret_is_only_written_in_the_text(written: str, message: str) -> None:
    """Within an expression it could be transformed and shown, so it is refused."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.template(written)
    assert message in str(caught.value)
    assert caught.value.line == written.count("\n") + 1


def test_the_names_of_secrets_are_told() -> None:
    """For every kind of place, without resolving any."""
    assert COMPILER.template("${A} ${B:-x}").secrets == {"A", "B"}
    assert COMPILER.template("${A} {{ inputs.n }}").secrets == {"A"}
    assert COMPILER.value({"a": ["${A}", {"b": "${B}"}]}).secrets == {"A", "B"}
    assert COMPILER.json_template('{"a": "${A}"}').secrets == {"A"}
    assert COMPILER.endpoint("/${A}").secrets == {"A"}
    assert COMPILER.endpoint("/${A}/{{ inputs.n }}").secrets == {"A"}
    assert COMPILER.mapping({"a": "${A}"}).secrets == {"A"}


def test_a_missing_secret_is_told_by_name() -> None:
    """The resolver's own error comes through, and without a resolver there are none."""
    with pytest.raises(SecretError) as caught:
        text("${MISSING}")
    assert caught.value.name == "MISSING"
    with pytest.raises(SecretError, match="secrets are only resolved where a call is made"):
        text("${TOKEN}", Scope())


def test_a_secret_is_not_found_in_data() -> None:
    """What looks like a secret in an input stays as it is."""
    scope = Scope(inputs={"a": "${TOKEN}"}, secret=SCOPE.secret)
    assert text("{{ inputs.a }}", scope) == "${TOKEN}"
    assert value("{$.input.a}", scope) == "${TOKEN}"
    assert COMPILER.json_template('{"a": "{{ inputs.a }}"}').evaluate(scope) == {"a": "${TOKEN}"}
