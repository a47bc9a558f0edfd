"""A long list in a file is a list to expressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_gimme.expressions import Compiler, SavedItems, Scope, StepResult

REFERENCE = {"type": "saved", "path": "f/a.jsonl", "items": 5}


class Lines:
    """The lines of a file, and how many of them were read."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self) -> Iterator[Any]:
        for number in range(5):
            self.read += 1
            yield {"n": number}


@pytest.mark.parametrize(
    "text, value",
    [
        ("{{ steps.x | length }}", 5),
        ("{{ steps.x[1].n }}", 1),
        ("{{ steps.x[-1].n }}", 4),
        ("{{ steps.x.path }}", "f/a.jsonl"),
        ("{{ steps.x }}", REFERENCE),
        ("{{ steps.x | map(attribute='n') | list }}", [0, 1, 2, 3, 4]),
        ("{{ steps.x | sum(attribute='n') }}", 10),
        ("{% for one in steps.x %}{{ one.n }}{% endfor %}", "01234"),
        ("{{ (steps.x | list)[1:3] }}", [{"n": 1}, {"n": 2}]),
        ("$.steps.x.output", REFERENCE),
        ("$.steps.x.output[2].n", 2),
        ("{{ steps.x[9] | default('none') }}", "none"),
        ("$.steps.x.output[?@.n > 2].n", [3, 4]),
    ],
)
def test_it_is_used_as_the_list(text: str, value: Any) -> None:
    """It iterates, indexes and counts; as a value it is its reference."""
    scope = Scope(steps={"x": StepResult(SavedItems(REFERENCE, Lines()), "success")})
    assert Compiler().value(text).evaluate(scope) == value


def test_no_more_is_read_than_is_used() -> None:
    """Its length is in the reference, and who goes through it by index reads each line once."""
    lines = Lines()
    items = SavedItems(REFERENCE, lines)
    assert (len(items), lines.read) == (5, 0)
    assert [items[index]["n"] for index in range(3)] == [0, 1, 2]
    assert lines.read == 3
    assert items[0] == {"n": 0}
    assert items[3:0:-2] == [{"n": 3}, {"n": 1}]
    assert items[4:1] == []
    with pytest.raises(IndexError):
        items[5]
