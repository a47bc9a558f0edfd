"""The benchmarks run, their tables say what was measured, and the engine's share of a call does not explode."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import fan_out, importing, latency, overhead
from benchmarks.__main__ import FIGURES
from benchmarks.rows import Row, render_table

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return overhead.measure(calls=40, rounds=5)


def test_the_overhead_is_measured_beside_a_bare_call(rows: list[Row]) -> None:
    """One row for each way to call, and one for each difference, with its target."""
    bare, plain, ruled, adds, adds_with_rules = rows
    assert bare.value > 0
    assert (plain.rival, ruled.rival) == (bare.value, bare.value)
    assert adds.value == pytest.approx(plain.value - bare.value)
    assert adds_with_rules.value == pytest.approx(ruled.value - bare.value)
    assert adds.target == adds_with_rules.target == overhead.TARGET
    assert {row.unit for row in rows} == {"µs"}


def test_the_engine_costs_no_multiple_of_a_call(rows: list[Row]) -> None:
    """A loose bound, by ratio, that a busy machine keeps: the program of the benchmarks holds the target."""
    _, plain, ruled, *_ = rows
    assert plain.ratio is not None
    assert ruled.ratio is not None
    assert plain.ratio < 2.8
    assert ruled.ratio < 3.5


def test_a_fan_out_costs_no_multiple_of_its_calls() -> None:
    """Loosely held here too: what it does for an item is a part of what the item's call costs."""
    rows = fan_out.measure(calls=300, rounds=2)
    assert len(rows) == 2
    for row in rows:
        assert row.ratio is not None
        assert row.ratio > 0.1


def test_a_slow_server_is_kept_busy() -> None:
    """A second of it, with as many calls open as may be."""
    (row,) = latency.measure(calls=640, rounds=1)
    assert row.ratio is not None
    assert 0.2 < row.ratio <= 1


def test_the_package_loads_nothing_of_airflow() -> None:
    """And is there at once."""
    taken, modules = importing.measure(rounds=2)
    assert 0 < taken.value < 1000
    assert modules.value == 0


MET = [
    (Row("a", "µs", 10, target=10), True),
    (Row("a", "µs", 11, target=10), False),
    (Row("a", "calls/s", 11, target=10, more_is_better=True), True),
    (Row("a", "calls/s", 9, target=10, more_is_better=True), False),
    (Row("a", "µs", 9), None),
]


@pytest.mark.parametrize("row,met", MET)
def test_a_target_is_met_on_its_better_side(row: Row, met: bool | None) -> None:  # noqa: FBT001
    """Less of what costs, more of what is got."""
    assert row.met is met


def test_a_table_has_a_line_for_each_row() -> None:
    """With what is not there left empty."""
    table = render_table([Row("one", "µs", 1500, 1000, 1000), Row("two", "calls/s", 9.6)])
    assert table.splitlines()[2:] == [
        "| one | 1,500 µs | 1,000 µs | 1.50 | at most 1,000 µs | **no** |",
        "| two | 10 calls/s |  |  |  |  |",
    ]


def test_an_unknown_figure_is_told() -> None:
    """With those there are."""
    command = [sys.executable, "-m", "benchmarks", "no-such"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"there is no figure no-such; there are: {', '.join(FIGURES)}" in ran.stderr
