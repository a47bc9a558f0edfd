"""What undoes a step once the run has failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from airflow_provider_gimme.config.call import Call
from airflow_provider_gimme.config.scalars import Limit

__all__ = ["Compensation"]


class Compensation(Call):
    """A call that undoes the step, made after the run has failed, if the step completed or may have."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (*Call.exclusive, frozenset({"timeout", "timeout_seconds"}))

    timeout: Limit | None = None
    """The limit of one attempt; 60 s if nothing is written."""
    timeout_seconds: Annotated[float, Field(ge=0.001, le=315_360_000)] | None = None
    """The same, in seconds."""

    @property
    def limit(self) -> timedelta | None:
        """The written limit of one attempt, if there is one."""
        return timedelta(seconds=self.timeout_seconds) if self.timeout_seconds is not None else self.timeout
