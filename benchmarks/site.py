"""An Airflow of one's own on this machine, LocalExecutor and all, for the figures that are about whole runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from demo.environment import LOCAL_BUNDLE, WORKFLOW_BUNDLE, Bundle
from demo.instance import AirflowInstance

__all__ = ["Run", "Site", "running"]

_ROOT = Path(__file__).parents[1]
_PATIENCE = timedelta(minutes=20)
_PAGE = 100


@dataclass(frozen=True)
class Run:
    """A run that has ended, with all of its task instances."""

    run: Mapping[str, Any]
    tasks: tuple[Mapping[str, Any], ...]

    @property
    def seconds(self) -> float:
        """From the moment at which the run was queued to its end."""
        return _between(self.run["queued_at"], self.run["end_date"])

    def seconds_to_the_end_of(self, *names: str) -> float:
        """From the moment at which the run was queued to the end of the last of these tasks."""
        return _between(self.run["queued_at"], max(task["end_date"] for task in self.of(*names)))

    def seconds_of(self, name: str) -> float:
        """From the moment at which a task, or the first of a mapped one, was queued to its end, or that of the last."""
        tasks = self.of(name)
        return _between(min(task["queued_when"] for task in tasks), max(task["end_date"] for task in tasks))

    def of(self, *names: str) -> tuple[Mapping[str, Any], ...]:
        """Return the instances of these tasks."""
        return tuple(task for task in self.tasks if task["task_id"] in names)


@dataclass(frozen=True)
class Site:
    """A running Airflow and the folders that it reads."""

    airflow: AirflowInstance
    dags: Path
    """Of Python files."""
    workflows: Path
    """Of workflow files."""

    def add_dag(self, name: str, text: str) -> None:
        """Put a Python file of one Dag into the folder, and wait until Airflow has it."""
        (self.dags / f"{name}.py").write_text(text, encoding="utf-8")
        self.airflow.wait_dag(name, _PATIENCE, file=f"{name}.py")

    def add_workflow(self, name: str, text: str) -> None:
        """Put a workflow file into the folder, and wait until Airflow has its Dag."""
        (self.workflows / f"{name}.yaml").write_text(text, encoding="utf-8")
        self.wait_for(name)

    def wait_for(self, name: str) -> None:
        """Wait until Airflow has the Dag of a workflow file."""
        self.airflow.wait_dag(name, _PATIENCE, file=f"{name}.")

    def run(self, dag_id: str) -> Run:
        """Let a Dag run once, and return what came of it.

        :raises RuntimeError: where it did not succeed: then there is nothing to compare.
        """
        run_id = self.airflow.trigger(dag_id)
        state = self.airflow.wait_run(dag_id, run_id, _PATIENCE)
        path = f"dags/{dag_id}/dagRuns/{run_id}"
        if state != "success":
            raise RuntimeError(f"the run of {dag_id} ended as {state}")
        return Run(self.airflow.get(path), tuple(self._tasks(path)))

    def _tasks(self, path: str) -> Iterator[Mapping[str, Any]]:
        total, found = 1, 0
        while found < total:
            answer = self.airflow.get(f"{path}/taskInstances", limit=_PAGE, offset=found)
            total, found = answer["total_entries"], found + len(answer["task_instances"])
            yield from answer["task_instances"]


@contextmanager
def running(env: Mapping[str, str] | None = None, *, folders: Mapping[str, Path] | None = None) -> Iterator[Site]:
    """Run an Airflow; ``env`` is what its components and tasks find in their environment.

    ``folders`` are further folders of workflow files, each by the name of its bundle.
    """
    with TemporaryDirectory() as home:
        dags, workflows = Path(home, "dags"), Path(home, "workflows")
        dags.mkdir()
        workflows.mkdir()
        bundles = [Bundle("dags", LOCAL_BUNDLE, {"path": str(dags), "refresh_interval": 1})]
        bundles += [
            Bundle(name, WORKFLOW_BUNDLE, {"path": str(path), "refresh_interval": 1})
            for name, path in {"workflows": workflows, **(folders or {})}.items()
        ]
        plugins = _ROOT / "plugins"
        with AirflowInstance(Path(home, "airflow"), bundles=bundles, plugins_folder=plugins, env=env) as airflow:
            yield Site(airflow, dags, workflows)


def _between(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
