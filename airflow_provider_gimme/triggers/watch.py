"""What it takes to wait for a job, as JSON types: it goes through Airflow's database to the triggerer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Self

from pydantic import TypeAdapter

from airflow_provider_gimme.expressions import Compiler, Scope
from airflow_provider_gimme.http.retry import RetryRules
from airflow_provider_gimme.steps.job.plan import Rhythm
from airflow_provider_gimme.triggers.ask import Ask
from airflow_provider_gimme.triggers.reading import JobReader

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Functions

__all__ = ["Conditions", "PollTerms", "Watch"]


@dataclass(frozen=True)
class PollTerms:
    """How a job is polled."""

    rhythm: Rhythm
    rules: RetryRules
    """When a poll that failed is no verdict, and what it waits."""
    attempt_limit: timedelta
    """The limit of one poll."""
    statuses: frozenset[int]
    """The statuses of an answer that tells of the job."""

    def accepts(self, status: int) -> bool:
        """Say whether an answer of this status tells of the job."""
        return status in self.statuses


@dataclass(frozen=True)
class Conditions:
    """The conditions of a poll as they are written, and what they read of the run."""

    done_when: str
    fail_when: str | None
    progress: str | None
    inputs: Mapping[str, Any]
    variables: Mapping[str, Any]
    functions: bool
    """Whether one of them calls a function of the site."""

    def reader(self, functions: Functions | None) -> JobReader:
        """Compile them anew."""
        compiler = Compiler(functions, frozenset(self.variables), frozenset({"response"}))
        return JobReader(
            compiler.body_condition(self.done_when),
            None if self.fail_when is None else compiler.body_condition(self.fail_when),
            None if self.progress is None else compiler.body_expression(self.progress),
            Scope(inputs=self.inputs, variables=self.variables),
        )


@dataclass(frozen=True)
class Watch:
    """One job that is waited for."""

    file: str
    """The workflow's file, for its secrets."""
    dag_id: str
    run_id: str
    task_id: str
    series: str
    """The key of the submit: another one is another job."""
    poll: Ask
    cancel: Ask | None
    conditions: Conditions
    terms: PollTerms
    begin: datetime
    """When the next poll is due."""
    deadline: datetime
    """When nobody waits any longer."""
    conceal: bool = False
    """Whether nothing of the answers may be seen."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        data: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` has described."""
        read: Self = _adapter().validate_python(data, strict=False)
        return read

    @cached_property
    def where(self) -> dict[str, str]:
        """The task, as Airflow's own functions want it."""
        return {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": self.task_id}


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Watch)
