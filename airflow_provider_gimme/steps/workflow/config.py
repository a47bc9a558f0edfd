"""What a ``workflow`` step may say."""

from __future__ import annotations

from typing import Any, Literal

from airflow_provider_gimme.config.scalars import DagId
from airflow_provider_gimme.config.step import Step

__all__ = ["StepConfig"]


class StepConfig(Step):
    """Start a run of another workflow and wait for it without a worker; its outputs are the step's."""

    type: Literal["workflow"]
    workflow: DagId
    """The Dag id of the other workflow."""
    inputs: dict[str, Any] | None = None
    """The run's inputs: a structure; strings are templates, a lone one keeps its type."""

    @property
    def bounded(self) -> bool:
        """The other workflow has its own limits."""
        return False

    @property
    def waits(self) -> bool:
        """Its ``timeout`` is how long it waits for the run."""
        return True
