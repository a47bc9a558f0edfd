"""The examples of RFC 9535: its bookstore (1.5, 2.3 to 2.5) and its table of comparisons (2.3.5.3)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.expressions.places import SCOPE, value

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
