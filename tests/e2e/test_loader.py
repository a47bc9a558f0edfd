"""Workflow files in the Dags folder of a running Airflow, by the loader of two lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.e2e.runs import PATIENCE, ROOT, Run, own_text, start
from tests.standins import StandIn


@pytest.fixture(scope="module")
def api() -> Iterator[StandIn]:
    with StandIn(token=API_KEY) as started:
        yield started


@pytest.fixture(scope="module")
def found(airflow: AirflowInstance, dags: Path, api: StandIn) -> dict[str, Any]:
    """Drop two workflow files and our own loader into the Dags folder, and give the Dags that they become."""
    folder = dags / "loaded"
    folder.mkdir()
    for name in ("loader_good", "loader_broken"):
        (folder / f"{name}.yaml").write_text(own_text(name, api.url))
    draft = folder / ".load_workflows"
    draft.write_text((ROOT / "dags" / "load_workflows.py").read_text())
    draft.rename(folder / "load_workflows.py")
    return {name: airflow.wait_dag(name, PATIENCE) for name in ("loader_good", "loader_broken")}


@pytest.fixture(scope="module")
def runs(airflow: AirflowInstance, found: dict[str, Any]) -> dict[str, Run]:
    """Give a run of each Dag; both have begun side by side."""
    return {name: start(airflow, name) for name in found}


def test_a_good_file_runs(runs: dict[str, Run], api: StandIn) -> None:
    """A workflow file beside the loader is a Dag whose run calls the API and ends in success."""
    run = runs["loader_good"]
    assert run.wait() == "success"
    assert run.states() == {"read": "success", "outcome": "success"}
    (call,) = api.calls("/api/documents")
    assert (call.instance, call.status) == (run.run_id, 200)


def test_a_broken_file_is_a_dag_tagged_broken(airflow: AirflowInstance, found: dict[str, Any]) -> None:
    """A file with problems is a Dag without schedule whose docs tell them; the loader has no import error."""
    dag = found["loader_broken"]
    assert [tag["name"] for tag in dag["tags"]] == ["broken"]
    assert dag["timetable_summary"] is None
    details = airflow.get("dags/loader_broken/details")
    assert "loader_broken.yaml:8:40: steps[0] 'read': unknown key 'retires'" in details["doc_md"]
    assert [file for file in airflow.import_errors() if "loaded" in file] == []
    assert "broken" not in [tag["name"] for tag in found["loader_good"]["tags"]]


def test_its_task_tells_the_problems(runs: dict[str, Run], api: StandIn) -> None:
    """Whoever runs it all the same reads every problem in the log of its only task, and nothing is called."""
    run = runs["loader_broken"]
    assert run.wait() == "failed"
    assert run.states() == {"problems": "failed"}
    log = run.airflow.logs(run.dag_id, run.run_id, "problems")
    assert "loader_broken.yaml:8:40: steps[0] 'read': unknown key 'retires'. Did you mean 'retry'?" in log
    assert "loader_broken.yaml:9:" in log
    assert [call for call in api.ledger().calls if call.instance == run.run_id] == []
