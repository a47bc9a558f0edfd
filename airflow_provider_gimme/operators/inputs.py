"""The task ``inputs``: before all others, it checks what the run was started with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.operators.base import WorkflowTask
from airflow_provider_gimme.operators.inputs_schema import check_inputs

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["InputsOperator"]


class InputsOperator(WorkflowTask):
    """Check the run's conf by the workflow's whole schema; Airflow itself checks single properties only."""

    custom_operator_name = "inputs"
    ui_color = "#f2f2f2"

    def work(self, run: TaskRun) -> Any:
        """Return the inputs that the run's steps see.

        :raises StepError: where the workflow is switched off, or the conf does not fit the schema.
        """
        if self.plan.workflow.active is False:
            raise StepError("this workflow is switched off: its file says 'active: false'. Set it to true to run it.")
        inputs = run.inputs
        if self.plan.input_schema is not None:
            check_inputs(self.plan.input_schema, inputs, self.plan.workflow.input_schema_id)
        return inputs
