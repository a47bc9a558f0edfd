"""Every filter: what it yields, and what it says of what it cannot take."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.expressions.filters import FILTERS
from tests.expressions.places import text, value

ROWS = [{"id": 1, "kind": "a", "tags": ["x", "y"]}, {"id": 2, "kind": "b", "tags": []}, {"id": 3, "kind": "a"}]
DATA = Scope(
    inputs={
        "rows": ROWS,
        "json": '{"a": [1]}',
        "day": "2026-03-08",
        "moment": "2026-03-08T01:30:00-05:00",
        "when": datetime(2026, 1, 31, 18, 0, tzinfo=UTC),
        "obj": {"b": 2, "a": 1},
        "none": None,
        "words": "one two three",
    }
)
VALID: list[tuple[str, str, Any]] = [
    ("abs", "{{ -3 | abs }}", 3),
    ("attr", "{{ inputs.obj | attr('b') }}", 2),
    ("batch", "{{ [1, 2, 3] | batch(2, 0) | list }}", [[1, 2], [3, 0]]),
    ("capitalize", "{{ 'ab' | capitalize }}", "Ab"),
    ("center", "{{ 'a' | center(3) }}", " a "),
    ("collect", "{{ inputs.rows | collect('id') }}", [1, 2, 3]),
    ("collect", "{{ inputs.rows | collect('tags') }}", ["x", "y"]),
    ("collect", "{{ [{'a': {'b': 1}}, {'a': 2}, 3, {}] | collect('a.b') }}", [1]),
    ("collect", "{{ inputs.rows[0] | collect('tags') }}", ["x", "y"]),
    ("count", "{{ [1, 2] | count }}", 2),
    ("d", "{{ inputs.zz | d(1) }}", 1),
    ("date_add", "{{ inputs.day | date_add('-1d') }}", "2026-03-07"),
    ("date_add", "{{ inputs.day | date_add('12h') }}", "2026-03-08T12:00:00"),
    ("date_add", "{{ '2026-01-31T10:00:00' | date_add('1d12h') }}", "2026-02-01T22:00:00"),
    ("date_add", "{{ inputs.moment | to_zone('America/New_York') | date_add('1d') }}", "2026-03-09T01:30:00-04:00"),
    ("date_add", "{{ inputs.moment | to_zone('America/New_York') | date_add('1h') }}", "2026-03-08T03:30:00-04:00"),
    ("date_add", "{{ inputs.moment | date_add('-90m') }}", "2026-03-08T00:00:00-05:00"),
    ("date_add", "{{ inputs.when | date_add(60) }}", "2026-01-31T18:01:00+00:00"),
    ("default", "{{ inputs.none | default('x') }}", None),
    ("default", "{{ inputs.none | default('x', true) }}", "x"),
    ("dictsort", "{{ inputs.obj | dictsort }}", [["a", 1], ["b", 2]]),
    ("e", "{{ '<' | e }}", "&lt;"),
    ("escape", "{{ ('<' | escape) ~ '<' }}", "&lt;<"),
    ("filesizeformat", "{{ 2000 | filesizeformat }}", "2.0 kB"),
    ("first", "{{ inputs.rows | map(attribute='id') | first }}", 1),
    ("first", "{{ [] | first | default('none') }}", "none"),
    ("float", "{{ '1.5' | float }}", 1.5),
    ("format", "{{ '%s-%03d' | format('a', 7) }}", "a-007"),
    ("format", "{{ '%(a)s' | format(a=1) }}", "1"),
    ("format_date", "{{ inputs.when | format_date }}", "2026-01-31"),
    ("format_date", "{{ inputs.day | format_date('%d/%m/%Y %%') }}", "08/03/2026 %"),
    ("from_json", "{{ (inputs.json | from_json).a[0] }}", 1),
    ("groupby", "{{ inputs.rows | groupby('kind') | map('first') | list }}", ["a", "b"]),
    ("hmac", "{{ 'text' | hmac('key') }}", hmac.new(b"key", b"text", "sha256").hexdigest()),
    ("hmac", "{{ 'what do ya want for nothing?' | hmac('Jefe', 'sha1', 'base64') }}", "7/zfauXrL6LSdBbV8YTfnCWafHk="),
    ("indent", "{{ 'a\nb' | indent(2) }}", "a\n  b"),
    ("indent", "{{ 'a\nb' | indent('> ', true) }}", "> a\n> b"),
    ("int", "{{ '7' | int }}", 7),
    ("items", "{{ inputs.obj | items }}", [["b", 2], ["a", 1]]),
    ("join", "{{ [1, 'a', true, none] | join(', ') }}", "1, a, true, null"),
    ("join", "{{ inputs.rows | join('-', 'id') }}", "1-2-3"),
    ("jsonpath", "{{ inputs.rows | jsonpath('$[?@.kind == \"a\"].id') }}", [1, 3]),
    ("jsonpath", "{{ inputs.rows | jsonpath('$[0].id') }}", 1),
    ("jsonpath", "{{ inputs.rows | jsonpath('$[9]') | default('none') }}", "none"),
    ("last", "{{ [1, 2] | last }}", 2),
    ("last", "{{ [] | last | default('none') }}", "none"),
    ("length", "{{ inputs.rows | selectattr('kind', 'eq', 'a') | length }}", 2),
    ("length", "{{ 'abc' | length }}", 3),
    ("list", "{{ 'ab' | list }}", ["a", "b"]),
    ("lower", "{{ 'AB' | lower }}{{ true | lower }}", "abtrue"),
    ("map", "{{ ['a'] | map('upper') | list }}", ["A"]),
    ("map", "{{ inputs.rows | map(attribute='tags', default=[]) | list }}", [["x", "y"], [], []]),
    ("max", "{{ [1, 3, 2] | max }}", 3),
    ("min", "{{ inputs.rows | min(attribute='id') }}", ROWS[0]),
    ("parse_date", "{{ '31/01/2026' | parse_date('%d/%m/%Y') | format_date }}", "2026-01-31"),
    ("parse_date", "{{ (inputs.moment | parse_date) < inputs.when }}", False),
    ("reject", "{{ [1, 2] | reject('odd') | list }}", [2]),
    ("rejectattr", "{{ inputs.rows | rejectattr('tags', 'defined') | map(attribute='id') | list }}", [3]),
    ("replace", "{{ 'a.b.c' | replace('.', '/') }}", "a/b/c"),
    ("replace", "{{ 'a.b.c' | replace('.', '/', 1) }}", "a/b.c"),
    ("reverse", "{{ [1, 2] | reverse }}", [2, 1]),
    ("reverse", "{{ 'ab' | reverse }}", "ba"),
    ("round", "{{ 2.346 | round(2) }}", 2.35),
    ("safe", "{{ '<' | safe }}", "<"),
    ("select", "{{ [1, 2] | select('odd') | list }}", [1]),
    ("selectattr", "{{ inputs.rows | selectattr('tags', 'defined') | map(attribute='id') | list }}", [1, 2]),
    ("sha256", "{{ 'é' | sha256 }}", hashlib.sha256("é".encode()).hexdigest()),
    ("slice", "{{ [1, 2, 3] | slice(2) | list }}", [[1, 2], [3]]),
    ("sort", "{{ [2, 1] | sort }}", [1, 2]),
    ("split", "{{ 'a,b' | split(',') }}", ["a", "b"]),
    ("string", "{{ true | string }}", "true"),
    ("string", "{{ {'a': 1} | tojson | string }}", '{"a": 1}'),
    ("striptags", "{{ '<b>a</b> c' | striptags }}", "a c"),
    ("sum", "{{ inputs.rows | sum(attribute='id') }}", 6),
    ("sum", "{{ [[1], [2]] | sum(start=[]) }}", [1, 2]),
    ("title", "{{ 'a bc' | title }}", "A Bc"),
    ("to_zone", "{{ inputs.when | to_zone('Asia/Singapore') }}", "2026-02-01T02:00:00+08:00"),
    ("to_zone", "{{ '2026-01-31T18:00:00' | to_zone('Asia/Singapore') }}", "2026-02-01T02:00:00+08:00"),
    ("to_zone", "{{ inputs.day | to_zone('UTC') }}", "2026-03-08T00:00:00+00:00"),
    ("tojson", "{{ inputs.obj | tojson }}", '{"b": 2, "a": 1}'),
    ("tojson", "{{ [1] | tojson(indent=1) }}", "[\n 1\n]"),
    ("tojson", "{{ '<é>' | tojson }}", '"<é>"'),
    ("trim", "{{ ' a ' | trim }}", "a"),
    ("truncate", "{{ inputs.words | truncate(9, end='…', leeway=0) }}", "one two…"),
    ("unique", "{{ [1, 1, 2] | unique | list }}", [1, 2]),
    ("upper", "{{ 'ab' | upper }}", "AB"),
    ("url", "{{ 'a/b c&d=é' | url }}", "a%2Fb%20c%26d%3D%C3%A9"),
    ("urlencode", "{{ {'a': 'b c'} | urlencode }}", "a=b+c"),
    ("wordcount", "{{ inputs.words | wordcount }}", 3),
    ("wordwrap", "{{ inputs.words | wordwrap(7) }}", "one two\nthree"),
    ("xml", "{{ '<a b=\"c\">&\\'' | xml }}", "&lt;a b=&quot;c&quot;&gt;&amp;&apos;"),
]


@pytest.mark.parametrize("name,written,expected", VALID)
def test_a_filter_yields(name: str, written: str, expected: object) -> None:
    """What each filter yields, over what it is meant for."""
    assert name in written
    assert value(written, DATA) == expected


def test_every_filter_is_in_the_table() -> None:
    """A filter that nobody has tried is a filter that nobody knows."""
    assert set(FILTERS) == {name for name, _written, _expected in VALID}


INVALID: list[tuple[str, str]] = [
    (f"{{{{ inputs.zz | {name} }}}}", "there is no input 'zz'")
    for name in (
        "tojson",
        "upper",
        "xml",
        "url",
        "sha256",
        "length",
        "list",
        "from_json",
        "string",
        "safe",
        "date_add('1d')",
    )
] + [
    ("{{ inputs.rows | map(attribute='tags') | map('length') | list }}", "there is no member 'tags'"),
    ("{{ 1 | from_json }}", "the filter 'from_json' needs text (got a number)"),
    ("{{ '{\"a\": ' | from_json }}", "got text that is not JSON: Expecting value at line 1, column 7"),
    ("{{ '[NaN]' | from_json }}", "the filter 'from_json' got NaN, which is not JSON"),
    ("{{ inputs.when | from_json }}", "needs text (got a date)"),
    ("{{ {'a': inputs.rows} | jsonpath(1) }}", "the filter 'jsonpath' needs text (got a number)"),
    ("{{ inputs.rows | jsonpath('$.' ~ 'a[') }}", "'$.a[' is not a JSONPath"),
    ("{{ inputs.rows | jsonpath('$[9]') }}", "'$[9]' selects nothing"),
    ("{{ 1 | collect('a') }}", "the filter 'collect' needs a list of objects (got a number)"),
    ("{{ 'text' | collect('a') }}", "the filter 'collect' needs a list of objects (got text)"),
    ("{{ [] | collect(1) }}", "the filter 'collect' needs text (got a number)"),
    ("{{ 'a' | hmac('k', 'md5') }}", "the filter 'hmac' knows sha1, sha256, sha384, sha512 (got 'md5')"),
    ("{{ 'a' | hmac('k', 'sha1', 'hexx') }}", "the filter 'hmac' writes hex or base64 (got 'hexx')"),
    ("{{ 'a' | hmac(1) }}", "the filter 'hmac' needs a key that is text (got a number)"),
    ("{{ 'a\u0007' | xml }}", "the filter 'xml' got the character U+0007, which XML 1.0 cannot hold"),
    (
        "{{ 'yesterday' | parse_date }}",
        "the filter 'parse_date' needs a date (got 'yesterday'). Write it like 2026-01-31",
    ),
    ("{{ 5 | to_zone('UTC') }}", "the filter 'to_zone' needs a date (got a number)"),
    ("{{ '2026' | parse_date('%d/%m/%Y') }}", "got '2026', which is not written as '%d/%m/%Y'"),
    (
        "{{ inputs.when | to_zone('Asia/Singapur') }}",
        "'Asia/Singapur', which is not a time zone. Did you mean 'Asia/Singapore'",
    ),
    ("{{ inputs.when | to_zone('../etc') }}", "'../etc', which is not a time zone."),
    ("{{ inputs.day | date_add('soon') }}", "the filter 'date_add' got 'soon': "),
    ("{{ inputs.day | date_add(none) }}", "the filter 'date_add' needs a duration like '-1d' (got null)"),
    ("{{ '9999-12-31' | date_add('1d') }}", "the filter 'date_add' leaves the calendar by '1d'"),
    ("{{ '0001-01-01T00:00:00' | to_zone('America/New_York') }}", "the filter 'to_zone' leaves the calendar"),
    ("{{ inputs.day | format_date('%1000000000d') }}", "a pattern of strftime without widths"),
    ("{{ 'a' | indent(true and 999) }}", "the filter 'indent' takes a whole number up to 200"),
    ("{{ [1] | batch(0) | list }}", "the filter 'batch' takes a number from 1"),
    ("{{ [1] | slice(0) | list }}", "the filter 'slice' takes a number from 1"),
    ("{{ 1 | length }}", "the filter 'length' needs a list, an object or text"),
    ("{{ [] | first }}", "there is no first item: the list is empty"),
    ("{{ [] | last }}", "there is no last item: the list is empty"),
    ("{{ [1] | items }}", "the filter 'items' needs an object (got a list)"),
    ("{{ 'x' | round }}", "the filter 'round' needs a number (got text)"),
    ("{{ 1 | join }}", "the filter 'join' needs a list (got a number)"),
    ("{{ '%s' | format(1, a=2) }}", "by place or by name, not both"),
    ("{{ [1, 'a'] | sort }}", "TypeError: "),
    ("{{ [1, 'a'] | sum }}", "a number + text has no meaning"),
]


@pytest.mark.parametrize("written,message", INVALID)
def test_a_filter_says_what_it_cannot_take(written: str, message: str) -> None:
    """The error names the filter and what it needs."""
    with pytest.raises(ExpressionError) as caught:
        value(written, DATA)
    assert message in str(caught.value)


@given(content=st.text())
def test_xml_text_comes_back_from_a_parser(content: str) -> None:
    """Escaped text is the same text to a parser, in an element and in an attribute; or it is refused."""
    try:
        escaped = text("{{ inputs.t | xml }}", Scope(inputs={"t": content}))
    except ExpressionError:
        return
    as_parsed = content.replace("\r\n", "\n").replace("\r", "\n")
    element = ET.fromstring(f'<a b="{escaped}">{escaped}</a>')  # noqa: S314 - it is the document under test
    assert (element.text or "") == as_parsed
    assert element.get("b") == as_parsed.replace("\n", " ").replace("\t", " ")


@given(day=st.dates(date(1900, 1, 1), date(2100, 1, 1)), days=st.integers(-3000, 3000))
def test_days_added_can_be_taken_away(day: date, days: int) -> None:
    """A plain day stays a plain day, and the way back leads to it."""
    there = f"{{{{ inputs.d | date_add('{days}d') | date_add('{-days}d') }}}}"
    assert value(there, Scope(inputs={"d": day.isoformat()})) == day.isoformat()
