"""Runs of workflows on Airflow's own machinery: its database, its API in process, its task runner."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.database import prepare_sqlite
from tests.operators.api import Api, serve_api

KEY = "key-of-the-api-0123456789"


@pytest.fixture(scope="session")
def airflow_db() -> Path:
    """Make Airflow's database in the home of this test session, and return the Dags folder."""
    home = Path(os.environ["AIRFLOW_HOME"])
    prepare_sqlite(home / "airflow.db", os.environ)
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Serve an API; its key is in the environment as `API_KEY`."""
    monkeypatch.setenv("API_KEY", KEY)
    with serve_api() as served:
        yield served


@dataclass(frozen=True)
class Ran:
    """A run that has ended."""

    state: str
    states: dict[str, str]
    tries: dict[str, int]
    run: Any

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        """Return an XCom of the run; None where there is none."""
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            query = XComModel.get_many(run_id=self.run.run_id, key=key, task_ids=task_id, dag_ids=self.run.dag_id)
            row = session.scalars(query).first()
            return None if row is None else XComModel.deserialize_value(row)

    def record(self, task_id: str, attempt: int) -> Any:
        """Return what the task's state holds of an attempt."""
        return self.store(task_id).get(f"attempt.{attempt}")

    def store(self, task_id: str) -> dict[str, Any]:
        """Return all of a task's state."""
        import json

        from airflow.models.task_state_store import TaskStateStoreModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            rows = session.execute(
                select(TaskStateStoreModel.key, TaskStateStoreModel.value).where(
                    TaskStateStoreModel.dag_run_id == self.run.id, TaskStateStoreModel.task_id == task_id
                )
            ).all()
        return {key: json.loads(value) for key, value in rows}


RunWorkflow = Callable[..., Ran]


def run_text(folder: Path, text: str, conf: dict[str, Any] | None = None, around: dict[str, str] | None = None) -> Ran:
    """Run a workflow to its end; its Dag is made from a file in ``folder``, Airflow's Dags folder."""
    from airflow.dag_processing.dagbag import BundleDagBag

    stub = folder / "flow.py"
    built = f"build_workflow({text!r}, file='flow.yaml', around={around!r})"
    stub.write_text(f"# an airflow dag\nfrom airflow_provider_gimme.build import build_workflow\ndag = {built}\n")
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    try:
        bag = BundleDagBag(dag_folder=str(stub), bundle_path=folder, bundle_name="dags-folder")
        assert bag.import_errors == {}
        (dag,) = bag.dags.values()
        done = dag.test(run_conf=conf, logical_date=None)
    finally:
        stub.unlink()
    tasks = done.get_task_instances()
    return Ran(
        str(done.state),
        {task.task_id: str(task.state) for task in tasks},
        {task.task_id: task.try_number for task in tasks},
        done,
    )


@pytest.fixture
def run_workflow(airflow_db: Path, api: Api) -> RunWorkflow:
    """Run a workflow to its end; `API` in its text is the address of the served API."""

    def run(text: str, conf: dict[str, Any] | None = None, around: dict[str, str] | None = None) -> Ran:
        return run_text(airflow_db, text.replace("API", api.url, 1), conf, around)

    return run
