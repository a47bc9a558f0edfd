"""A workflow of 2,000 steps on a running Airflow: loaded, scheduled, shown."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx
import pytest

from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, Run, drop, start

LANES, LENGTH = 100, 20
STEPS = LANES * LENGTH


@pytest.fixture(scope="module")
def run(airflow: AirflowInstance, workflows: Path) -> Run:
    """Drop a workflow of lanes in which steps run one after the other, and start it."""
    lines = [
        f"  - {{name: s{lane}_{place}, type: transform, payload: {place}, "
        f"depends_on: [{f's{lane}_{place - 1}' if place else ''}]}}\n"
        for lane in range(LANES)
        for place in range(LENGTH)
    ]
    drop(airflow, workflows, {"size": f"name: size\nsteps:\n{''.join(lines)}"})
    airflow.unpause("size")
    return start(airflow, "size")


@pytest.mark.timeout(300)
def test_a_dag_of_2000_steps_is_scheduled(run: Run) -> None:
    """Its steps run; who has seen enough ends the run, which ends as failed."""
    run.airflow.wait(partial(_has_run, run), "the first steps", PATIENCE)
    run.airflow.patch(f"dags/size/dagRuns/{run.run_id}", {"state": "failed"})
    assert run.wait() == "failed"


def _has_run(run: Run) -> bool | None:
    found = run.airflow.get(f"dags/size/dagRuns/{run.run_id}/taskInstances", state="success")
    return found["total_entries"] > 0 or None


def test_a_dag_of_2000_steps_is_shown(run: Run) -> None:
    """Airflow's page gets every task of it in its order, for its graph and its grid."""
    assert run.airflow.get("dags/size/tasks")["total_entries"] == STEPS + 1
    headers = {"Authorization": f"Bearer {run.airflow.token()}"}
    with httpx.Client(base_url=f"{run.airflow.url}/ui", headers=headers, timeout=60, trust_env=False) as page:
        graph = page.get("structure/structure_data", params={"dag_id": "size"}).raise_for_status().json()
        grid = page.get("grid/structure/size").raise_for_status().json()
    assert len(graph["nodes"]) == len(grid) == STEPS + 1
    assert len(graph["edges"]) == STEPS  # of each lane one less than steps, and one to the last task
