from __future__ import annotations

import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.config.scalars import SourceFloat, SourceInt
from airflow_provider_gimme.loading.nodes import Mapping, Scalar, plain
from airflow_provider_gimme.loading.parse import MAX_ALIASED, parse
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.scalars import resolve
from airflow_provider_gimme.loading.source import MAX_FILE_BYTES, read_source


def read(text: str, parser: Any = None) -> tuple[Any, list[str]]:
    """Return the data of a text and its problems, as they are printed."""
    report = Report("f")
    source = read_source(text, report)
    assert source is not None
    node = parse(source, report) if parser is None else parse(source, report, parser)
    return None if node is None else plain(node), [str(problem) for problem in report.problems]


TEXT = ["yes", "no", "on", "off", "12:30", "1:30:00", "2026-01-31", "1_000", "0b1", "+", ".", "1.2.3", "e5", "=", "0o8"]
VALUES = {
    "~": None,
    "null": None,
    "true": True,
    "FALSE": False,
    "12": 12,
    "-3": -3,
    "+3": 3,
    "007": 7,
    "0o17": 15,
    "0xfF": 255,
    "1.5": 1.5,
    "1.10": 1.1,
    ".5": 0.5,
    "1e3": 1000.0,
    "-1.": -1.0,
}


@pytest.mark.parametrize("text", TEXT)
def test_what_yaml_1_1_reads_as_something_else_is_text(text: str) -> None:
    """Words, times and dates stay what was written."""
    assert read(f"k: {text}") == ({"k": text}, [])


@pytest.mark.parametrize("text", VALUES)
def test_scalars_are_those_of_the_core_schema(text: str) -> None:
    """Numbers, truth values and null are read as YAML 1.2 says."""
    value = resolve(text)
    assert value == VALUES[text]
    assert isinstance(value, type(VALUES[text]))


@pytest.mark.parametrize(
    "text, kind", [("1.10", SourceFloat), ("007", SourceInt), ("0xff", SourceInt), ("1e3", SourceFloat)]
)
def test_an_unusual_number_remembers_its_text(text: str, kind: type) -> None:
    """Where a key wants text it gets what was written."""
    value = resolve(text)
    assert isinstance(value, kind)
    assert value.source == text  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 301])
def test_a_number_that_json_cannot_hold_is_a_problem(text: str) -> None:
    """What cannot be sent as JSON is told where it is written."""
    _, problems = read(f"k: {text}")
    assert len(problems) == 1
    assert problems[0].startswith("f:1:4: k: ")


@pytest.mark.parametrize("text", ['"12"', "'true'", "!!str 12", "! 12", '"~"', "|-\n  12"])
def test_quoted_and_tagged_text_is_text(text: str) -> None:
    """A quoted number is no number."""
    assert isinstance(read(f"k: {text}")[0]["k"], str)


@pytest.mark.parametrize(
    "text, value", [("!!int 3", 3), ("!!seq [1]", [1]), ("!!map {a: 1}", {"a": 1}), ("!!null ''", None)]
)
def test_the_tags_of_the_core_schema_are_known(text: str, value: object) -> None:
    """A tag of YAML itself is no problem."""
    assert read(f"k: {text}") == ({"k": value}, [])


def test_merge_keys_take_in_maps_and_what_is_written_wins() -> None:
    """``<<`` works with one map and with a list, of which the first wins."""
    data, problems = read("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd:\n  <<: *a\n  x: 9\n")
    assert problems == []
    assert data["c"] == {"x": 1, "y": 1, "z": 3}
    assert data["d"] == {"x": 9, "y": 1}


def test_a_quoted_merge_key_is_a_key() -> None:
    """Only the unquoted ``<<`` merges."""
    assert read("{'<<': {a: 1}}") == ({"<<": {"a": 1}}, [])


def test_a_second_merge_key_and_a_merged_scalar_are_problems() -> None:
    """What ``<<`` cannot take in is told."""
    _, problems = read("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\nc: {<<: [3]}\n")
    assert [problem.split(": ")[0] for problem in problems] == ["f:4:3", "f:5:5"]


def test_keys_are_the_text_that_was_written() -> None:
    """A key that looks like a number or a truth value is text, as in JSON."""
    assert read("{1: a, true: b, 1.10: c, on: d, ~: e}")[0] == {"1": "a", "true": "b", "1.10": "c", "on": "d", "~": "e"}


def test_an_alias_stands_for_a_key_and_an_anchor_for_a_key_too() -> None:
    """Aliases of text work wherever text does."""
    assert read("&k key: 1\nb: {*k : 2}\n") == ({"key": 1, "b": {"key": 2}}, [])


@pytest.mark.parametrize(
    "text", ["a: &a {x: 1}\nb: {*a : 2}", "{: 1}", "? [a]\n: 1", "[a, b]: 1", "? {a: {b: c}}\n: 2"]
)
def test_a_key_that_is_no_text_is_a_problem(text: str) -> None:
    """A map, a list or nothing cannot be a key."""
    assert read(text)[1]


def test_aliases_may_stand_for_as_much_as_the_limit_but_no_more() -> None:
    """The limit counts what aliases expand to, before anything is expanded."""
    word = "x" * (MAX_ALIASED // 10 - 2)
    assert read(f"a: &a {word}\nb: [{', '.join(['*a'] * 10)}]")[1] == []
    (problem,) = read(f"a: &a {word}\nb: [{', '.join(['*a'] * 11)}]")[1]
    assert "expand past 1,000,000" in problem


def test_aliases_are_copies_of_their_anchor() -> None:
    """Nothing in the data is shared, so that what changes one place cannot change another."""
    data, _ = read("a: &a [1]\nb: *a\n")
    assert data["a"] == data["b"]
    assert data["a"] is not data["b"]


def test_a_hundred_thousand_brackets_do_no_harm() -> None:
    """Depth is a problem of the file, never of the stack."""
    for text in ("[" * 100_000, "{a: " * 100_000, "- " * 100_000):
        (problem,) = read(text)[1]
        assert "nested more than 100 deep" in problem


def test_every_value_and_key_knows_its_place() -> None:
    """Marks count lines and columns from 1, for keys and for values."""
    report = Report("f")
    root = parse("a:\n  bc: [x, yz]\n", report)
    assert isinstance(root, Mapping)
    inner = root.get("a")
    assert isinstance(inner, Mapping)
    entry = inner.entries["bc"]
    assert (entry.line, entry.column, entry.path) == (2, 3, ("a", "bc"))
    second = entry.node.items[1]  # type: ignore[attr-defined]
    assert (second.line, second.column, second.path) == (2, 11, ("a", "bc", 1))


def test_block_text_knows_that_it_begins_in_the_next_line() -> None:
    """So that a line within a template can be told."""
    root = parse("a: |\n  x\nb: x\n", Report("f"))
    assert isinstance(root, Mapping)
    assert [isinstance(node := root.get(key), Scalar) and node.block for key in "ab"] == [True, False]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=10), inner, max_size=4),
    max_leaves=15,
)
NOT_RAW = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)}
"""Characters that YAML does not take as they are, and how JSON writes them."""


@given(value=json_values, ascii_only=st.booleans())
def test_json_is_read_as_it_is(value: object, *, ascii_only: bool) -> None:
    """Any JSON document, written by any writer, means the same to us."""
    text = json.dumps({"v": value}, ensure_ascii=ascii_only, indent=2)
    if not ascii_only:
        text = text.translate(NOT_RAW)
    assert read(text) == (json.loads(text), [])


@pytest.mark.parametrize("size", [MAX_FILE_BYTES, MAX_FILE_BYTES + 1])
def test_a_file_may_be_as_large_as_the_limit(size: int) -> None:
    """The limit is in bytes, and a larger file is not even parsed."""
    report = Report("f")
    assert (read_source(b" " * size, report) is None) == (size > MAX_FILE_BYTES)
    assert report.failed == (size > MAX_FILE_BYTES)


def test_a_byte_order_mark_of_utf8_is_no_problem() -> None:
    """Editors of some systems write one."""
    assert read_source(b"\xef\xbb\xbfname: x\n", Report("f")) == "name: x\n"


def test_escaped_backslashes_before_a_pair_are_kept() -> None:
    r"""``\\ud83d`` is a backslash and some letters, not half of a character."""
    text = r'{"a": "\\ud83d\\ude00", "b": "\ud83d\ude00"}'
    assert read(text)[0] == json.loads(text)


BROKEN = [
    ('a: "b', "not closed"),
    ("a: [1", "'['"),
    ("a: {b: c", "'{'"),
    ("a:\n\t- b", "tab"),
    ("a: b: c", "':'"),
    ("a: @x", "'@'"),
    ("a: %x", "'%'"),
    ("- a\nb: c", "item"),
    ('a: "\\q"', "'\\'"),
    ("a: *\n", "'*'"),
    ("a: |x\n", "'|'"),
    ("k: 'it's'", "quotes"),
    ("a: !y!x 1", "'!'"),
    ("a: }", "value is missing"),
    ("%YAML 3.0\n---\na: 1", "'%'"),
]


@pytest.mark.parametrize(
    "parser", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)], ids=["python", "c"]
)
@pytest.mark.parametrize("text, word", BROKEN)
def test_what_is_not_yaml_is_told_in_plain_words(text: str, word: str, parser: Any) -> None:
    """Both parsers of PyYAML, with and without its C library, lead to the same words."""
    data, (problem,) = read(text, parser)
    assert data is None
    assert word in problem
    assert not any(inner in problem for inner in ("expected", "scanning", "token", "node", " flow ", "scalar"))


def test_an_unknown_complaint_of_the_parser_is_a_problem_all_the_same() -> None:
    """A parser's new message does not get lost."""

    class Odd(yaml.SafeLoader):
        def get_event(self) -> Any:
            raise yaml.MarkedYAMLError("reading", None, "odd", yaml.Mark("f", 0, 0, 0, "", 0))

    assert read("a: 1", Odd)[1] == ["f:1:1: this is not YAML. Check quotes, brackets and indentation."]


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t~<0.", max_size=40))
def test_no_text_gets_the_reader_out_of_step(text: str) -> None:
    """Whatever is written: data that JSON can hold, or problems; never an exception."""
    data, problems = read(text)
    assert problems or data is not None
    if data is not None:
        json.dumps(data, allow_nan=False)


def test_numbers_of_the_core_schema_are_finite() -> None:
    """The largest double is read, the next is a problem."""
    assert math.isfinite(resolve("1.7976931348623157e308"))
    with pytest.raises(ValueError, match="too large"):
        resolve("1.8e308")
