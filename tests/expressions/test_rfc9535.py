"""The examples of RFC 9535: its bookstore (1.5, 2.3 to 2.5) and its table of comparisons (2.3.5.3).

All that the standard's compliance suite asks is what the library behind the paths does; that what we put around it
(short ways, limits, patterns with a clock) selects the same is shown with paths and documents of any kind.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonpath_rfc9535
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.expressions.places import COMPILER, SCOPE, value

BOOKS: list[dict[str, Any]] = [
    {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
    {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
    {
        "category": "fiction",
        "author": "Herman Melville",
        "title": "Moby Dick",
        "isbn": "0-553-21311-3",
        "price": 8.99,
    },
    {
        "category": "fiction",
        "author": "J. R. R. Tolkien",
        "title": "The Lord of the Rings",
        "isbn": "0-395-19395-8",
        "price": 22.99,
    },
]
BICYCLE = {"color": "red", "price": 399}
STORE = {"store": {"book": BOOKS, "bicycle": BICYCLE}}
AUTHORS = [book["author"] for book in BOOKS]
PRICES = [8.95, 12.99, 8.99, 22.99, 399]

LETTERS = ["a", "b", "c", "d", "e", "f", "g"]
NESTED = {"o": {"j": 1, "k": 2}, "a": [5, 3, [{"j": 4}, {"k": 6}]]}
FILTERED: dict[str, Any] = {
    "a": [3, 5, 1, 2, 4, 6, {"b": "j"}, {"b": "k"}, {"b": {}}, {"b": "kilo"}],
    "o": {"p": 1, "q": 2, "r": 3, "s": 5, "t": {"u": 6}},
    "e": "f",
}
NULLS: dict[str, Any] = {"a": None, "b": [None], "c": [{}], "null": 1}

QUERIES: list[tuple[Any, str, Any]] = [
    (STORE, "$.store.book[*].author", AUTHORS),
    (STORE, "$..author", AUTHORS),
    (STORE, "$.store.*", [BOOKS, BICYCLE]),
    (STORE, "$.store..price", PRICES),
    (STORE, "$..book[2]", [BOOKS[2]]),
    (STORE, "$..book[2].author", ["Herman Melville"]),
    (STORE, "$..book[2].publisher", []),
    (STORE, "$..book[-1]", [BOOKS[3]]),
    (STORE, "$..book[0,1]", BOOKS[:2]),
    (STORE, "$..book[:2]", BOOKS[:2]),
    (STORE, "$..book[?@.isbn]", BOOKS[2:]),
    (STORE, "$..book[?@.price<10]", [BOOKS[0], BOOKS[2]]),
    (LETTERS, "$[1]", "b"),
    (LETTERS, "$[-2]", "f"),
    (LETTERS, "$[1:3]", ["b", "c"]),
    (LETTERS, "$[5:]", ["f", "g"]),
    (LETTERS, "$[1:5:2]", ["b", "d"]),
    (LETTERS, "$[5:1:-2]", ["f", "d"]),
    (LETTERS, "$[::-1]", LETTERS[::-1]),
    (LETTERS, "$[0, 3]", ["a", "d"]),
    (LETTERS, "$[0:2, 5]", ["a", "b", "f"]),
    (LETTERS, "$[0, 0]", ["a", "a"]),
    (NESTED, "$.o[*]", [1, 2]),
    (NESTED, "$.a[*]", [5, 3, [{"j": 4}, {"k": 6}]]),
    (NESTED, "$..j", [1, 4]),
    (NESTED, "$..[0]", [5, {"j": 4}]),
    (FILTERED, "$.a[?@.b == 'kilo']", [{"b": "kilo"}]),
    (FILTERED, "$.a[?@>3.5]", [5, 4, 6]),
    (FILTERED, "$.a[?@.b]", FILTERED["a"][6:]),
    (FILTERED, "$[?@.*]", [FILTERED["a"], FILTERED["o"]]),
    (FILTERED, "$[?@[?@.b]]", [FILTERED["a"]]),
    (FILTERED, "$.o[?@<3, ?@<3]", [1, 2, 1, 2]),
    (FILTERED, '$.a[?@<2 || @.b == "k"]', [1, {"b": "k"}]),
    (FILTERED, '$.a[?match(@.b, "[jk]")]', [{"b": "j"}, {"b": "k"}]),
    (FILTERED, '$.a[?search(@.b, "[jk]")]', [{"b": "j"}, {"b": "k"}, {"b": "kilo"}]),
    (FILTERED, "$.o[?@>1 && @<4]", [2, 3]),
    (FILTERED, "$.o[?@.u || @.x]", [{"u": 6}]),
    (FILTERED, "$.a[?@.b == $.x]", FILTERED["a"][:6]),
    (FILTERED, "$.a[?@ == @]", FILTERED["a"]),
    (NULLS, "$.a", None),
    (NULLS, "$.b[0]", None),
    (NULLS, "$.b[*]", [None]),
    (NULLS, "$.b[?@]", [None]),
    (NULLS, "$.b[?@==null]", [None]),
    (NULLS, "$.c[?@.d==null]", []),
    (NULLS, "$.null", 1),
]


@pytest.mark.parametrize("document,path,expected", QUERIES, ids=[path for _, path, _ in QUERIES])
def test_a_path_selects_what_the_standard_says(document: Any, path: str, expected: Any) -> None:
    """In its order; a path that can select only one gives that, any other a list."""
    found = value(f"{{{{ inputs.doc | jsonpath({json.dumps(path)}) }}}}", replace(SCOPE, inputs={"doc": document}))
    assert found == expected


COMPARED = {"obj": {"x": "y"}, "arr": [2, 3]}
COMPARISONS = [
    ("$.absent1 == $.absent2", True),
    ("$.absent1 <= $.absent2", True),
    ("$.absent == 'g'", False),
    ("$.absent1 != $.absent2", False),
    ("$.absent != 'g'", True),
    ("1 <= 2", True),
    ("1 > 2", False),
    ("13 == '13'", False),
    ("'a' <= 'b'", True),
    ("'a' > 'b'", False),
    ("$.obj == $.arr", False),
    ("$.obj != $.arr", True),
    ("$.obj == $.obj", True),
    ("$.obj != $.obj", False),
    ("$.arr == $.arr", True),
    ("$.obj == 17", False),
    ("$.obj != 17", True),
    ("$.obj <= $.arr", False),
    ("$.obj < $.arr", False),
    ("$.obj <= $.obj", True),
    ("$.arr <= $.arr", True),
    ("1 <= $.arr", False),
    ("1 >= $.arr", False),
    ("true <= true", True),
    ("true > true", False),
]


@pytest.mark.parametrize("comparison,holds", COMPARISONS)
def test_a_comparison_holds_as_the_standard_says(comparison: str, holds: bool) -> None:  # noqa: FBT001
    """What selects nothing equals only what selects nothing; what has no order is equal or not."""
    scope = replace(SCOPE, inputs={"doc": COMPARED})
    found = value(f"{{{{ inputs.doc | jsonpath({json.dumps(f'$[?{comparison}]')}) }}}}", scope)
    assert found == (list(COMPARED.values()) if holds else [])


NAMES = ("a", "b", "é", "城市", "a b", "it's", 'say "a"', "back\\slash", "", "0")
PATTERNS = ("a", "a.", "[ab]+", "(a|b){1,2}", ".*", "a\\\\.b", "\\\\p{L}+", "[^a]", "(", "a{2,1}", "\\\\d", "^a$", "")
TEXTS = st.text(alphabet="ab.é城1^$ \r\n", max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -0.0]) | TEXTS
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner), max_leaves=12
)
NUMBERS = st.integers(-4, 4).map(str)
LITERALS = SCALARS.map(json.dumps)
SHORT = st.sampled_from([".a", ".b", "[0]", "[-1]"])
RELATIVE = st.builds("{}{}".format, st.sampled_from("@$"), st.lists(SHORT, max_size=2).map("".join))
VALUES = RELATIVE | LITERALS
TESTS = st.one_of(
    RELATIVE,
    st.sampled_from(["@.*", "@[1:]", "@..a", "@[?@.a]"]),
    st.builds("{} {} {}".format, VALUES, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), VALUES),
    st.builds("length({}) == {}".format, RELATIVE, NUMBERS),
    st.builds("count(@.*) < {}".format, NUMBERS),
    st.builds("value(@..a) == {}".format, LITERALS),
    st.builds('{}({}, "{}")'.format, st.sampled_from(["match", "search"]), RELATIVE, st.sampled_from(PATTERNS)),
)
FILTERS = st.recursive(
    TESTS,
    lambda inner: (
        st.builds("!({})".format, inner) | st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner)
    ),
    max_leaves=3,
)
SLICES = st.builds("{}:{}:{}".format, NUMBERS | st.just(""), NUMBERS | st.just(""), NUMBERS | st.just(""))
SELECTORS = st.one_of(st.sampled_from(NAMES).map(json.dumps), NUMBERS, SLICES, st.just("*"), FILTERS.map("?{}".format))
SEGMENTS = st.one_of(
    SHORT,
    SELECTORS.map("[{}]".format),
    st.lists(SELECTORS, min_size=1, max_size=3).map(lambda each: f"[{', '.join(each)}]"),
    SELECTORS.map("..[{}]".format),
    st.sampled_from([".*", "..*", "..a"]),
)
PATHS = st.lists(SEGMENTS, max_size=4).map(lambda each: "$" + "".join(each))


def selects_the_same(path: str, document: Any) -> bool:
    """Say whether a path selects what the library alone does; 1, 1.0 and true are not the same."""
    found = COMPILER.body_path(path).evaluate(SCOPE.with_root(document))
    query = jsonpath_rfc9535.compile(path)
    values = query.find(document).values()
    return json.dumps(found) == json.dumps(next(iter(values), None) if query.singular_query() else values)


@given(path=PATHS, document=DOCUMENTS)
def test_what_we_put_around_the_library_selects_the_same(path: str, document: Any) -> None:
    """Any path of the standard over any document; one that can select only one gives that, or null."""
    assert selects_the_same(path, document)


@pytest.mark.parametrize("function", ["match", "search"])
@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=20)
@given(texts=st.lists(TEXTS, max_size=5))
@example(texts=["a", "ab", "ba", "b", "a\n", "\na", "", "1", "é", "a.b", "^a$", 1, None, ["a"]])
def test_patterns_with_a_clock_match_the_same(function: str, pattern: str, texts: list[Any]) -> None:
    """RFC 9485's patterns, and what is none; of texts, and of what is none."""
    assert selects_the_same(f'$[?{function}(@, "{pattern}")]', texts)
