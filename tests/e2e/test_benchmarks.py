"""The figures that are about whole runs are measured as they say, at a tiny size; targets are held elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import derivativ, mapped, starting
from benchmarks.server import serving
from benchmarks.site import Site
from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.standins import StandIn


@pytest.fixture
def site(airflow: AirflowInstance, dags: Path, workflows: Path) -> Site:
    return Site(airflow, dags, workflows)


def test_a_fan_out_is_measured_beside_mapped_tasks(site: Site) -> None:
    """Both call for each item, and each is the step's own time; at so few items a task's start is most of it."""
    with serving() as base:
        (row,) = mapped.measure_on(site, base, {6: 1.5}, rounds=1)
    assert row.rival is not None
    assert 0 < row.value < row.rival
    assert row.target == pytest.approx(row.rival / 1.5)


def test_derivativ_is_measured_beside_the_dag_by_hand(site: Site) -> None:
    """All three Dags make all calls; the run is longer than its steps."""
    with StandIn(token=API_KEY) as api:
        steps, whole = derivativ.measure_on(site, api, rounds=1)
        calls = [call for call in api.ledger().calls if call.status is not None and call.status < 300]
    assert len(calls) == 2 * (3 * 10 + 2)  # a run to warm up and one that counts; two of the three have a webhook
    assert 0 < steps.value < whole.value
    for row in (steps, whole):
        assert row.rival is not None
        assert row.rival > 0
        assert row.target == pytest.approx(derivativ.SLOWER * row.rival)


def test_the_start_of_a_task_is_measured_by_its_call(site: Site) -> None:
    """From queued to the call, which comes after the start of the task's process."""
    names = ("bench_start_one", "bench_start_two")
    with starting.arrivals() as server:
        for name in names:
            site.add_workflow(name, starting.workflow(name, server.base))
        (row,) = starting.measure_on(site, server, names, files=2, rounds=1)
    assert row.rival is not None
    assert 50 < row.value < 60_000
    assert 50 < row.rival < 60_000
