"""A stub changes only while nobody reads it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from airflow_provider_gimme.bundles.settling import LONGEST_WAIT_SECONDS, Settling

WRITTEN = 1_000.0


class Case:
    """A stub written at 1000 s, and a change to it; Airflow parses every 30 s."""

    def __init__(self, root: Path, interval: float = 30.0) -> None:
        self.root = root
        self.parsed: dict[str, float] | None = {}
        (root / "a.workflow.py").write_bytes(b"old")
        os.utime(root / "a.workflow.py", (WRITTEN, WRITTEN))
        self.settling = Settling(self.last_parsed, interval)

    def last_parsed(self, dag_ids: Collection[str]) -> Mapping[str, float] | None:
        return self.parsed

    def held(self, now: float, content: bytes = b"new") -> bool:
        files, waits = self.settling.hold(self.root, {"a.workflow.py": content, "b.workflow.py": b"b"}, now)
        assert files == {"a.workflow.py": b"old" if waits else content, "b.workflow.py": b"b"}
        return waits


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = Case(tmp_path)
    assert not case.held(WRITTEN - 100, b"old")
    return case


@pytest.mark.parametrize(
    "parsed, now, held",
    [
        (None, 1_010, True),  # never yet
        (999, 1_010, True),  # of what was there before
        (1_001, 1_010, False),
        (1_001, 1_029, False),
        (1_001, 1_030, True),  # the next is due
        (1_001, 1_200, True),
    ],
)
def test_a_change_waits_for_the_quiet_time_after_a_parse(
    case: Case,
    parsed: float | None,
    now: float,
    held: bool,  # noqa: FBT001 (a table)
) -> None:
    """The last parse must be of the present stub, and the next one not due."""
    case.parsed = {} if parsed is None else {"a": parsed}
    assert case.held(now) is held


def test_nothing_waits_at_the_start(tmp_path: Path) -> None:
    """A Dag processor that has just started reads nothing yet."""
    assert not Case(tmp_path).held(1_010)


def test_parses_of_an_earlier_dag_processor_do_not_count(tmp_path: Path) -> None:
    """After a restart Airflow parses at once, whenever the last parse was."""
    case = Case(tmp_path)
    assert not case.held(1_010, b"old")
    case.parsed = {"a": 1_005}
    assert case.held(1_012)
    case.parsed = {"a": 1_011}
    assert not case.held(1_013)


def test_a_change_does_not_wait_for_ever(case: Case) -> None:
    """A Dag that Airflow does not parse any more is changed after a minute."""
    assert case.held(2_000)
    assert case.held(2_000 + LONGEST_WAIT_SECONDS - 1)
    assert not case.held(2_000 + LONGEST_WAIT_SECONDS)
    (case.root / "a.workflow.py").write_bytes(b"new")
    assert not case.held(2_100)
    (case.root / "a.workflow.py").write_bytes(b"old")
    assert case.held(2_110)


def test_nothing_waits_where_airflow_parses_all_the_time(tmp_path: Path) -> None:
    """With an interval of a second or two there is no quiet time."""
    case = Case(tmp_path, interval=2)
    assert not case.held(1_000, b"old")
    assert not case.held(1_010)


def test_nothing_waits_without_a_database(case: Case) -> None:
    """Where nobody can tell, changes come at once."""
    case.parsed = None
    assert not case.held(1_010)
