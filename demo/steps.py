"""What there is to see of a run's steps: the state of each, and the attempts of its call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from demo.api import AirflowApi
from demo.errors import ApiError

__all__ = ["Attempt", "Step", "StepReader"]


@dataclass(frozen=True)
class Attempt:
    """One attempt of a step's call, as the step keeps it in its state under ``attempt.N``."""

    status: int | None
    reason: str
    wait_seconds: float | None

    def __str__(self) -> str:
        """Say what the attempt ended with, and what came next."""
        said = self.reason or (str(self.status) if self.status is not None else "no answer")
        return said if self.wait_seconds is None else f"{said}; next in {self.wait_seconds:.1f} s"


@dataclass(frozen=True)
class Step:
    """A step of a run at one moment."""

    name: str
    state: str
    seconds: float
    """The time since its first try began; 0 before that."""
    attempts: tuple[Attempt, ...]
    """The attempts that have ended, in order."""

    @property
    def retries(self) -> int:
        """How many attempts came after the first one."""
        return max(len(self.attempts) - 1, 0)


class StepReader:
    """Read the steps of one run again and again; a step's attempts are asked for only when its state has changed."""

    def __init__(self, airflow: AirflowApi, dag_id: str, run_id: str) -> None:
        self._airflow = airflow
        self._run = (dag_id, run_id)
        self._order = [task["task_id"] for task in airflow.get(f"dags/{dag_id}/tasks")["tasks"]]
        self._attempts: dict[str, tuple[Attempt, ...]] = {}
        self._seen: dict[str, tuple[Any, Any]] = {}
        self._began: dict[str, datetime] = {}

    def read(self) -> list[Step]:
        """Return all steps of the run, in the order of the Dag."""
        instances = self._airflow.task_instances(*self._run)
        return [self._step(name, instances[name]) for name in self._order if name in instances]

    def _step(self, name: str, instance: Mapping[str, Any]) -> Step:
        seen = (instance["state"], instance["try_number"])
        if self._seen.get(name) != seen and instance["start_date"] is not None:
            self._seen[name] = seen
            self._attempts[name] = self._read_attempts(name)
        return Step(name, instance["state"] or "waiting", self._seconds(name, instance), self._attempts.get(name, ()))

    def _seconds(self, name: str, instance: Mapping[str, Any]) -> float:
        if instance["start_date"] is None:
            return 0
        began = self._began.setdefault(name, datetime.fromisoformat(instance["start_date"]))
        ended = datetime.fromisoformat(instance["end_date"]) if instance["end_date"] else datetime.now(UTC)
        return max((ended - began).total_seconds(), 0)

    def _read_attempts(self, name: str) -> tuple[Attempt, ...]:
        try:
            state = self._airflow.task_state(*self._run, name)
        except ApiError:  # not there yet; it is asked for again at the next change
            return ()
        numbered = sorted((int(key.removeprefix("attempt.")), value) for key, value in state.items() if _is_record(key))
        return tuple(
            Attempt(value.get("status"), value.get("reason", ""), value.get("wait_seconds")) for _, value in numbered
        )


def _is_record(key: str) -> bool:
    return key.startswith("attempt.") and key.removeprefix("attempt.").isdecimal()
