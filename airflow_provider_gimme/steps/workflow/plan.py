"""What a ``workflow`` step means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.workflow.config import StepConfig

__all__ = ["WorkflowWork", "plan_work"]


@dataclass(frozen=True)
class WorkflowWork:
    """One run of another workflow, compiled."""

    dag_id: str
    inputs: Compiled[Any]


def plan_work(config: StepConfig, context: Context) -> WorkflowWork:
    """Compile the inputs of a ``workflow`` step; ``context`` stands at the step."""
    if config.workflow == context.workflow.dag_id:
        context.at("workflow").report("a workflow cannot start itself: it would never end. Name another one.")
    return WorkflowWork(config.workflow, context.at("inputs").compile("value", config.inputs or {}))
