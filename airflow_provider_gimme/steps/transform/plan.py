"""What a ``transform`` step means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.plan.body import BodyPlan, plan_body, written_body

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.transform.config import StepConfig

__all__ = ["TransformWork", "plan_work"]


@dataclass(frozen=True)
class TransformWork:
    """One value, compiled."""

    body: BodyPlan

    def evaluate(self, scope: Scope) -> Any:
        """Return the step's output as plain data.

        :raises ExpressionError: where the expression cannot be evaluated.
        """
        return self.body.evaluate(scope)


def plan_work(config: StepConfig, context: Context) -> TransformWork:
    """Compile the value of a ``transform`` step; ``context`` stands at the step."""
    written = written_body(config) or ("payload", None)
    return TransformWork(plan_body(context, written))
