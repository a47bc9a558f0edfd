"""What a ``workflow`` step may say."""

from __future__ import annotations

from typing import Any, Literal

from airflow_provider_gimme.config.scalars import DagId
from airflow_provider_gimme.config.waiting import WaitingStep

__all__ = ["StepConfig"]


class StepConfig(WaitingStep):
    """Start a run of another workflow and wait for it without a worker; its outputs are the step's."""

    type: Literal["workflow"]
    workflow: DagId
    """The Dag id of the other workflow."""
    inputs: dict[str, Any] | None = None
    """The run's inputs: a structure; strings are templates, a lone one keeps its type."""
