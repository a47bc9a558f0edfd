"""What a ``fail`` step means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.fail.config import StepConfig

__all__ = ["FailWork", "plan_work"]


@dataclass(frozen=True)
class FailWork:
    """One failure, compiled."""

    text: Compiled[str]

    def message(self, scope: Scope) -> str:
        """Return what the error says.

        :raises ExpressionError: where the message cannot be rendered.
        """
        return self.text.evaluate(scope)


def plan_work(config: StepConfig, context: Context) -> FailWork:
    """Compile the message of a ``fail`` step; ``context`` stands at the step."""
    return FailWork(context.at("message").compile("template", config.message))
