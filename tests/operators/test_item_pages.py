"""Items whose answers have pages: each item's output is made of all of them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_gimme.errors import ItemsError
from airflow_provider_gimme.http.retry import RetryRules
from tests.operators.api import Api
from tests.operators.fan_outs import Bench

PAGED = 'endpoint: "/of/{{ item }}", paginate: {kind: cursor, items: $.data, cursor: $.next}'
ITEMS = "{items: [a, b, c], max_parallel: 2}"


def pages(api: Api, name: str, *answers: object) -> None:
    """Let an item have these pages; a number is a status."""
    for answer in answers:
        good = not isinstance(answer, int)
        api.answer(f"/of/{name}", 200 if good else answer, answer if good else {"no": answer})  # type: ignore[arg-type]


def asked(api: Api) -> dict[str, list[str]]:
    """Return what was asked for of each item, in order."""
    found: dict[str, list[str]] = {}
    for got in api.got:
        path, _, query = got.path.partition("?")
        found.setdefault(path.removeprefix("/of/"), []).append(query)
    return found


def give(api: Api) -> None:
    pages(api, "a", {"data": [1, 2], "next": "x"}, {"data": [3], "next": None})
    pages(api, "b", {"data": [], "next": None})
    pages(api, "c", {"data": [4], "next": "y"}, {"data": [5], "next": "z"}, {"data": [6], "next": None})


def test_an_item_has_the_items_of_all_its_pages(api: Api, tmp_path: Path) -> None:
    """In order, each item by itself; the transform sees them as the body."""
    give(api)
    assert Bench(api.url, tmp_path, ITEMS, PAGED).run() == [[1, 2, 3], [], [4, 5, 6]]
    assert asked(api) == {"a": ["", "cursor=x"], "b": [""], "c": ["", "cursor=y", "cursor=z"]}
    api.got.clear()
    give(api)
    summed = f'{PAGED}, response_transform: {{of: "{{{{ item }}}}", n: "{{{{ response.body | sum }}}}"}}'
    again = Bench(api.url, tmp_path / "again", ITEMS, summed)
    api.answers.clear()
    give(api)
    assert again.run() == [{"of": "a", "n": 6}, {"of": "b", "n": 0}, {"of": "c", "n": 15}]


def test_each_page_has_its_attempts_under_one_key(api: Api, tmp_path: Path) -> None:
    """A page that fails is asked for again, not those before it; pages have keys of their own."""
    pages(api, "a", {"data": [1], "next": "x"}, 503, {"data": [2], "next": None})
    rules = RetryRules(limit=1, delay=timedelta(milliseconds=1))
    bench = Bench(api.url, tmp_path, "[a]", f"{PAGED}, method: POST, payload: {{n: 1}}", retry=rules)
    assert bench.run() == [[1, 2]]
    assert asked(api) == {"a": ["", "cursor=x", "cursor=x"]}
    first, second, third = [got.headers["Idempotency-Key"] for got in api.got]
    assert first != second == third


def test_an_item_whose_page_fails_fails(api: Api, tmp_path: Path) -> None:
    """With the page's error; the others are not lost, and a clear reads the failed one's pages anew."""
    pages(api, "a", {"data": [1], "next": "x"}, 400)
    pages(api, "b", {"data": [2], "next": None})
    bench = Bench(api.url, tmp_path, "{items: [a, b], max_parallel: 1, tolerate: 0}", PAGED)
    with pytest.raises(ItemsError, match=r"1 of 2 items failed.*Item 0: GET .*cursor=x: answered 400"):
        bench.run()
    api.answers.clear()
    api.got.clear()
    pages(api, "a", {"data": [1], "next": "x"}, {"data": [3], "next": None})
    pages(api, "b", {"data": [2], "next": None})
    assert bench.run(max_tries=4) == [[1, 3], [2]]
    assert asked(api)["a"] == ["", "cursor=x"]


def test_the_guards_of_pages_hold_for_an_item(api: Api, tmp_path: Path) -> None:
    """The same cursor twice, and more pages than there may be."""
    pages(api, "a", {"data": [1], "next": "x"}, {"data": [1], "next": "x"})
    bench = Bench(api.url, tmp_path, "{items: [a], tolerate: 1}", PAGED)
    assert bench.run() == [None]
    assert "read already" in json.dumps(bench.pushed)
    pages(api, "b", {"data": [1], "next": "x"}, {"data": [1], "next": "y"}, {"data": [1], "next": None})
    many = Bench(
        api.url, tmp_path / "b", "{items: [b], tolerate: 1}", PAGED.replace("cursor: $", "max_pages: 2, cursor: $")
    )
    assert many.run() == [None]
    assert "max_pages" in json.dumps(many.pushed)
