"""What is known of a job that was submitted, kept in the task's state so that no crash submits it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.attempts import StateStore
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["JobRecord"]

_HEAD = "job"
_CHUNK = 60_000
"""Characters, each one byte: above 64 kB Airflow warns in the user's log."""


@dataclass(frozen=True)
class JobRecord:
    """One job, submitted in one series: until somebody clears the task, which starts a new one."""

    max_tries: int
    """Airflow's ``max_tries`` of the series."""
    key: str
    """The key of the submit."""
    id: Any
    """What the API calls the job."""
    response: Any
    """The submit's answer, where a later call reads it."""
    begun: datetime
    """When the submit was about to be sent."""
    request: Mapping[str, Any] | None = None
    """The submit as people may see it."""
    cancelled: bool = False
    """Whether the job was cancelled by us."""

    @classmethod
    def of(cls, run: TaskRun, job_id: Any, response: Any, begun: datetime, request: Mapping[str, Any] | None) -> Self:
        """Return the record of a job that a task has just submitted."""
        key = idempotency_key(run.dag_id, run.run_id, run.task_id, run.max_tries)
        return cls(run.max_tries, key, job_id, response, begun, request)

    @classmethod
    def load(cls, store: StateStore, max_tries: int) -> JobRecord | None:
        """Return the job of this series; None where none was submitted."""
        head = store.get(_HEAD)
        if head is None or head["max_tries"] != max_tries:
            return None
        kept = json.loads("".join(store.get(f"{_HEAD}.{number}") for number in range(head["chunks"])))
        begun = datetime.fromisoformat(head["begun"])
        return cls(max_tries, head["key"], head["id"], kept["response"], begun, kept["request"], head["cancelled"])

    def keep(self, store: StateStore) -> None:
        """Write it; once this has returned, the job is never submitted again in this series."""
        text = json.dumps({"response": self.response, "request": self.request})
        chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
        for number, chunk in enumerate(chunks):
            store.set(f"{_HEAD}.{number}", chunk)
        store.set(_HEAD, self._head(len(chunks)))

    def keep_cancelled(self, store: StateStore) -> JobRecord:
        """Write that the job was cancelled, and return the record with it."""
        store.set(_HEAD, {**store.get(_HEAD), "cancelled": True})
        return replace(self, cancelled=True)

    @property
    def known(self) -> dict[str, Any]:
        """What expressions know as ``job``."""
        return {"id": self.id, "response": self.response}

    def _head(self, chunks: int) -> dict[str, Any]:
        return {
            "max_tries": self.max_tries,
            "key": self.key,
            "id": self.id,
            "begun": self.begun.isoformat(),
            "chunks": chunks,
            "cancelled": self.cancelled,
        }
