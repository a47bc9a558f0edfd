"""What a ``wait`` step may say."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from airflow_provider_gimme.config.scalars import Limit, Text
from airflow_provider_gimme.config.waiting import WaitingStep

__all__ = ["StepConfig"]


class StepConfig(WaitingStep):
    """Wait, without a worker: for a time, until a moment, or for an event."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (*WaitingStep.exclusive, frozenset({"for", "until", "event"}))

    type: Literal["wait"]
    duration: Limit | None = Field(default=None, alias="for")
    """How long."""
    until: Text | None = None
    """A moment: ISO text or an expression that yields one; without a zone it is in the workflow's."""
    event: Text | None = None
    """What is waited for, as people read it; whoever was given ``resume_urls.<step>`` tells when it happens."""

    @model_validator(mode="after")
    def _has_end(self) -> Self:
        if self.duration is None and self.until is None and self.event is None:
            raise ValueError(
                "the wait has no end. Write 'for' with a duration, 'until' with a moment, or 'event' with what happens."
            )
        return self
