"""The task of a ``transform`` step: a value, computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.operators.step import StepTask

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.steps.transform.plan import TransformWork

__all__ = ["StepOperator"]


class StepOperator(StepTask):
    """Compute a value from inputs, variables and earlier outputs."""

    custom_operator_name = "transform"
    ui_color = "#e8f3dc"

    def perform(self, run: TaskRun, scope: Scope) -> Any:  # noqa: ARG002 - the scope is all it needs
        """Return the value."""
        work: TransformWork = self.step.work  # type: ignore[assignment]
        return work.evaluate(scope)
