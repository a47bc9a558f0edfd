"""The task of a ``fail`` step: an error, told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.operators.step import StepTask

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.steps.fail.plan import FailWork

__all__ = ["StepOperator"]


class StepOperator(StepTask):
    """Fail, telling why."""

    custom_operator_name = "fail"
    ui_color = "#f7dcdc"

    def perform(self, run: TaskRun, scope: Scope) -> Any:  # noqa: ARG002 - the scope is all it needs
        """Raise the step's message as its error."""
        work: FailWork = self.step.work  # type: ignore[assignment]
        raise StepError(work.message(scope))
