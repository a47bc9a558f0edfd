"""Whatever is written, the only errors are ours."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import ExpressionError, SecretError
from airflow_provider_gimme.expressions import Compiler, Limits
from tests.expressions.places import FUNCTIONS, SCOPE

WORDS = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "{$.",
    "{$[",
    "${",
    "}",
    "]",
    "(",
    ")",
    "[",
    "'",
    '"',
    "\\",
    "|",
    ".",
    ",",
    ":",
    "=",
    "==",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "~",
    "<",
    ">",
    "!",
    "?",
    "@",
    "$",
    "$.input.n",
    "${TOKEN}",
    "0",
    "1",
    "-1",
    "9e99",
    "a",
    "inputs",
    "steps",
    ".n",
    ".text",
    ".obj",
    ".list",
    "steps.fetch",
    "steps.group",
    "variables.topic",
    "topic",
    "item",
    "loop",
    "if",
    "else",
    "elif",
    "endif",
    "for",
    "in",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "call",
    "endcall",
    "filter",
    "upper",
    "endfilter",
    "with",
    "endwith",
    "raw",
    "endraw",
    "not",
    "and",
    "or",
    "is",
    "none",
    "true",
    "default",
    "tojson",
    "map",
    "select",
    "join",
    "sum",
    "batch",
    "round",
    "int",
    "from_json",
    "collect",
    "jsonpath",
    "date_add",
    "xml",
    "first",
    "last",
    "sort",
    "groupby",
    "slice",
    "length",
    "range",
    "dict",
    "status",
    "error",
    "broken",
    "{n}",
    "{name}",
    "&&",
    "||",
    "..",
    "null",
]
COMPILER = Compiler(
    FUNCTIONS, frozenset({"topic"}), frozenset({"item"}), limits=Limits(seconds=2, output_bytes=100_000)
)
KINDS = ("template", "value", "expression", "condition", "json_template", "mapping", "path_mapping", "endpoint")


@pytest.mark.parametrize("kind", KINDS)
@given(words=st.lists(st.sampled_from(WORDS), max_size=12), joint=st.sampled_from(["", " "]))
def test_any_text_compiles_and_evaluates_or_is_refused(kind: str, words: list[str], joint: str) -> None:
    """No mixture of the language's words raises anything but the errors a caller expects."""
    with contextlib.suppress(ExpressionError, SecretError):
        getattr(COMPILER, kind)(joint.join(words)).evaluate(SCOPE)


@pytest.mark.parametrize("kind", KINDS)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
def test_any_expression_compiles_and_evaluates_or_is_refused(kind: str, words: list[str]) -> None:
    """The same within braces, where more of it is well formed."""
    with contextlib.suppress(ExpressionError, SecretError):
        getattr(COMPILER, kind)("{{ " + " ".join(words) + " }}").evaluate(SCOPE)
