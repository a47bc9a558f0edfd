"""Paths of calls: percent-encoded, and never climbing."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Scope
from tests.expressions.places import COMPILER, SCOPE

HERE = SCOPE.with_extra(id="a/b c?d=é&#", climb="../x", dots="..", nothing="", null=None, url="https://h.example/a?b=c")


@pytest.mark.parametrize(
    "written,expected",
    [
        ("/plain/path?x=1", "/plain/path?x=1"),
        ("", ""),
        ("/a/{id}", "/a/a%2Fb%20c%3Fd%3D%C3%A9%26%23"),
        ("/a/{n}/{topic}/{item}"[:14], "/a/4/algebra"),
        ("/a/{{ item.id }}/{{ 'x/y z' }}", "/a/i1/x/y%20z"),
        ("/a?q={{ 'a&b=c' }}", "/a?q=a%26b%3Dc"),
        ("/a/{$.input.n}/{x-y}", "/a/4/9"),
        ("/a/{$.variables.topic}/{{ inputs.n }}/{n}", "/a/algebra/4/4"),
        ("{{ 'x/y z' }}", "x/y%20z"),
        ("{{ inputs.yes }}", "true"),
        ("/bot${TOKEN}/send", "/bots3%22cr%2Fet/send"),
        ("/bot${TOKEN}/{{ inputs.n }}", "/bots3%22cr%2Fet/4"),
        ("/a{% if inputs.yes %}/b/{n}{% endif %}", "/a/b/4"),
        ("/{% set x %}a/{{ 'b c' }}{% endset %}{{ x }}", "/a/b%20c"),
        ("{{ 'https://h.example/a?b=c' }}", "https://h.example/a?b=c"),
        ("x{{ 'https://h.example/a?b=c' }}", "xhttps%3A//h.example/a%3Fb%3Dc"),
        ("https://h.example/{n}", "https://h.example/4"),
        ("/v1.2/..a/a..", "/v1.2/..a/a.."),
        ("/a?b=../c", "/a?b=../c"),
    ],
)
def test_an_endpoint_is_encoded(written: str, expected: str) -> None:
    """`{name}` wholly, `{{ }}` but for the slash; a lone `{{ }}` may be a whole URL."""
    assert COMPILER.endpoint(written).evaluate(HERE) == expected


@pytest.mark.parametrize(
    "written,message",
    [
        ("/a/{climb}", "the endpoint has a segment '..'. Write the path without it."),
        ("/a/{dots}/b", "segment '..'"),
        ("/a/{{ '../b' }}", "segment '..'"),
        ("/a/{{ '..' }}", "segment '..'"),
        ("{{ '.' }}/b", "segment '.'"),
        ("/a/.{{ '.' }}/b", "segment '..'"),
        ("/a/{{ '..' ~ '\\\\' ~ 'b' }}", "segment '..'"),
        ("{{ 'https://h.example/../a' }}", "segment '..'"),
        ("{{ 'https://h.example/a b' }}", "a URL with spaces or control characters"),
        ("{{ 'https://h.example/a\\r\\nX: 1' }}", "a URL with spaces or control characters"),
        ("/a/{nothing}", "a value of the endpoint is empty"),
        ("/a/{null}", "a value of the endpoint is null; it must be text, a number or a boolean"),
        ("/a/{{ inputs.none }}", "a value of the endpoint is null"),
        ("/a/{list}", "a value of the endpoint is a list"),
        ("/a/{{ inputs.obj }}", "a value of the endpoint is an object"),
        ("/a/{{ inputs.zz }}", "there is no input 'zz'"),
        ("/a/{zz}", "the endpoint's '{zz}' is neither in input_map nor an input nor a variable"),
        ("/a/{$.input.zz}", "'$.input.zz' selects nothing"),
    ],
)
def test_an_endpoint_that_would_be_another_is_an_error(written: str, message: str) -> None:
    """What climbs, is empty or is no text is refused."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.endpoint(written).evaluate(HERE)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "written,message",
    [
        ("/a/../b", "segment '..'"),
        ("/a/%2E%2e/b", "segment '..'"),
        ("/a/{b c}", "a brace is written {name}, {{ expression }} or {$.path}"),
        ("/a/b}", "a brace is written {name}"),
        ("/a/{{ nope }}", "unknown name 'nope'"),
        ("/a/{$.nope}", "'$' has no 'nope'"),
        ("/a\n/{{ 1 }}/{b.c}", "a brace is written {name}"),
    ],
)
def test_a_wrong_endpoint_is_refused_when_it_is_compiled(written: str, message: str) -> None:
    """What can be known from the text alone is."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.endpoint(written)
    assert message in str(caught.value)


def test_an_endpoint_tells_its_names() -> None:
    """The names in the path are told, and what they may refer to."""
    for written in ("/{id}/{topic}", "/{id}/{topic}/{{ 1 }}"):
        endpoint = COMPILER.endpoint(written)
        assert endpoint.path_names == {"id", "topic"}
        assert {(each.kind, each.name) for each in endpoint.references} == {("name", "id"), ("variable", "topic")}


def test_a_name_is_looked_up_nearest_first() -> None:
    """The call's own names win over inputs, inputs over variables."""
    endpoint = COMPILER.endpoint("/{count}")
    assert endpoint.evaluate(SCOPE) == "/8"
    assert endpoint.evaluate(Scope(inputs={"count": 1}, variables={"count": 8})) == "/1"
    assert endpoint.evaluate(Scope(inputs={"count": 1}, extra={"count": 2})) == "/2"
    assert endpoint.evaluate(Scope(inputs={"count": 1}, extra={"count": 2, "path": {"count": 3}})) == "/3"


@given(value=st.text(min_size=1))
def test_a_name_is_always_one_segment(value: str) -> None:
    """Whatever the value, it is one segment that decodes to it, or it is refused."""
    value = value.encode("utf-8", "replace").decode()
    try:
        got = COMPILER.endpoint("/a/{v}/b").evaluate(Scope(extra={"v": value}))
    except ExpressionError:
        assert "." in value
        return
    assert got.count("/") == 3
    assert unquote(got.split("/")[2]) == value
