"""The task ``result``: after all leaves, it computes what the workflow gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.http.redaction import HIDDEN
from airflow_provider_gimme.operators.base import WorkflowTask
from airflow_provider_gimme.operators.fields import RESULT
from airflow_provider_gimme.operators.inputs_schema import check_result
from airflow_provider_gimme.operators.scope import read_scope
from airflow_provider_gimme.operators.sensitive import Sensitive, is_sensitive
from airflow_provider_gimme.operators.state import STATE_KEY, computed_state, read_state
from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["OUTPUTS_KEY", "ResultOperator", "child_run_id", "is_child", "read_leaves", "read_result"]

OUTPUTS_KEY = "outputs"
"""The XCom key under which `outcome` leaves the result of a run for the workflow that started it."""

_CHILD = "workflow__"


class ResultOperator(WorkflowTask):
    """Compute and check the workflow's result, which is that of the Dag, and compute its ``state``."""

    custom_operator_name = "result"
    ui_color = "#f2f2f2"

    def work(self, run: TaskRun) -> Any:
        """Return the workflow's result, and keep what the run would leave to the next one, for ``outcome``.

        :raises ExpressionError: where one of the two cannot be computed.
        :raises StepError: where the result does not fit its schema, or the state is too large.
        """
        plan = self.plan
        secrets = Secrets.of_file(plan.file, self.redactor)
        sensitive = Sensitive(run, secrets.hide)
        scope = read_scope(run, plan.outputs_read | plan.state.reads, secrets, opened=sensitive.show)
        if plan.state.values:
            scope = scope.with_extra(state=read_state(run, plan.state.state_read))
            run.push(STATE_KEY, computed_state(run, scope))
        result = read_leaves(run) if plan.outputs is None else plan.outputs.evaluate(scope)
        if plan.output_schema is not None:
            check_result(plan.output_schema, plan.workflow.output_schema_id or "", result)
        return result if plan.gives_result else None


def child_run_id(dag_id: str, run_id: str, task_id: str, max_tries: int) -> str:
    """Return the id of the run that a step starts: the same for all tries of one series."""
    return f"{_CHILD}{task_id[:60]}__{idempotency_key(dag_id, run_id, task_id, max_tries, 'run')[:24]}"


def is_child(run: TaskRun) -> bool:
    """Say whether a step of another workflow started this run."""
    return run.run_id.startswith(_CHILD)


def read_result(run: TaskRun) -> Any:
    """Return a run's result as far as there is one: what ``result`` gave, else its last step or its leaves."""
    return run.pull(RESULT) if run.plan.gives_result else read_leaves(run)


def read_leaves(run: TaskRun) -> Any:
    """Return the output of a run's last step, or of all its leaves by name."""
    plan = run.plan
    if len(plan.leaves) == 1:
        return _shown(run, plan.leaves[0])
    return {leaf: _shown(run, leaf) for leaf in plan.leaves}


def _shown(run: TaskRun, task_id: str) -> Any:
    output = run.pull(task_id)
    return HIDDEN if output is not None and is_sensitive(run.plan, task_id) else output
