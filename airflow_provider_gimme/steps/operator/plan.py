"""What an ``operator`` step means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.operator.config import StepConfig

__all__ = ["OperatorWork", "plan_work"]


@dataclass(frozen=True)
class OperatorWork:
    """One operator, with its arguments compiled."""

    path: str
    args: Compiled[Any]


def plan_work(config: StepConfig, context: Context) -> OperatorWork:
    """Compile the arguments of an ``operator`` step; ``context`` stands at the step."""
    if (refusal := context.site.refusal(config.operator)) is not None:
        context.at("operator").report(refusal)
    return OperatorWork(config.operator, context.at("args").compile("value", config.args))
