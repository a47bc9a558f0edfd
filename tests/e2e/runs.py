"""Workflow files on the shared Airflow: dropped, run, and looked into."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from demo.errors import ApiError
from demo.instance import AirflowInstance

__all__ = ["PATIENCE", "ROOT", "WEBHOOK_SECRET", "Run", "drop", "own_text", "set_variable", "start", "wait_for_text"]

ROOT = Path(__file__).resolve().parents[2]

PATIENCE = timedelta(seconds=240)
"""How long a run may take on a machine that has other things to do."""

WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"the key of webhooks, made up").decode()


def own_text(name: str, host: str) -> str:
    """Return a file of ``tests/workflows`` with its host put in."""
    return (ROOT / "tests" / "workflows" / f"{name}.yaml").read_text().replace("${DERIVATIV_API_BASE}", host)


def drop(airflow: AirflowInstance, folder: Path, files: Mapping[str, str]) -> None:
    """Put workflow files, by Dag id, into the folder, and wait until Airflow has every one as it is now."""
    for dag_id, text in files.items():
        draft = folder / f".{dag_id}.yaml"
        draft.write_text(text)
        draft.rename(folder / f"{dag_id}.yaml")
    for dag_id, text in files.items():
        airflow.wait_dag(dag_id, PATIENCE, file=f"{dag_id}.")
        wait_for_text(airflow, dag_id, text)


def wait_for_text(airflow: AirflowInstance, dag_id: str, text: str) -> None:
    """Wait until Airflow has this very text of a workflow."""
    airflow.wait(partial(_has, airflow, dag_id, text), f"the text of {dag_id!r}", PATIENCE)


def _has(airflow: AirflowInstance, dag_id: str, text: str) -> bool | None:
    """Say whether Airflow shows this very text, not an earlier one; None where it does not."""
    try:
        shown = airflow.get(f"dagSources/{dag_id}")["content"]
    except ApiError as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
        return None
    return text.strip() in shown or None


def set_variable(airflow: AirflowInstance, name: str, value: str) -> None:
    """Set an Airflow Variable, which is where a workflow's secret comes from that is not in the environment."""
    try:
        airflow.post("variables", {"key": name, "value": value})
    except ApiError as error:
        if error.status != httpx.codes.CONFLICT:
            raise
        airflow.patch(f"variables/{name}", {"key": name, "value": value})


@dataclass(frozen=True)
class Run:
    """One run of a workflow."""

    airflow: AirflowInstance
    dag_id: str
    run_id: str

    def wait(self, patience: timedelta = PATIENCE) -> str:
        """Wait until the run has ended and return its state."""
        return self.airflow.wait_run(self.dag_id, self.run_id, patience)

    def states(self) -> dict[str, str | None]:
        """Return the states of the run's tasks."""
        return {name: each["state"] for name, each in self.airflow.task_instances(self.dag_id, self.run_id).items()}

    def attempts(self, task_id: str) -> list[dict[str, Any]]:
        """Return the records of the attempts of a call, as the task's state has them, in order."""
        state = self.airflow.task_state(self.dag_id, self.run_id, task_id)
        return [state[f"attempt.{number}"] for number in range(1, int(state["attempts"]["last"]) + 1)]

    def result(self) -> Any:
        """Wait for the run's end by Airflow's own request for that, and return what it says at last."""
        path = f"/api/v2/dags/{self.dag_id}/dagRuns/{self.run_id}/wait"
        headers = {"Authorization": f"Bearer {self.airflow.token()}"}
        address = f"{self.airflow.url}{path}"
        answer = httpx.get(
            address, params={"interval": 0.5}, headers=headers, timeout=PATIENCE.total_seconds(), trust_env=False
        )
        return json.loads(answer.raise_for_status().text.splitlines()[-1])

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        """Return an XCom of a task."""
        return self.airflow.xcom(self.dag_id, self.run_id, task_id, key)

    def log(self, task_id: str, attempt: int = 1) -> list[str]:
        """Return the messages of one try of a task."""
        records = self.airflow.log_records(self.dag_id, self.run_id, task_id, attempt)
        return [str(record.get("event", "")) for record in records]

    def whole_log(self, task_id: str) -> list[str]:
        """Return the messages of all tries of a task."""
        tries = self.airflow.task_instances(self.dag_id, self.run_id)[task_id]["try_number"]
        return [line for number in range(1, tries + 1) for line in self.log(task_id, number)]


def start(airflow: AirflowInstance, dag_id: str, conf: Mapping[str, Any] | None = None) -> Run:
    """Start a run by REST and return it."""
    return Run(airflow, dag_id, airflow.trigger(dag_id, conf))
