"""A Dag for a file that has problems: it tells them, and does nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.sdk import DAG, BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gimme.build.docs import BROKEN_TAG, broken_docs
from airflow_provider_gimme.errors import Problem, WorkflowError

__all__ = ["ProblemsOperator", "build_broken"]

_TASK_ID = "problems"


class ProblemsOperator(BaseOperator):
    """Fail with the problems of a file."""

    custom_operator_name = "problems"
    ui_color = "#f7dcdc"

    def __init__(self, *, problems: Iterable[Problem], **kwargs: Any) -> None:
        """Make the one task of a broken file's Dag."""
        super().__init__(**kwargs)
        self.problems = tuple(problems)

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Raise the problems."""
        raise AirflowFailException(str(WorkflowError(self.problems)))


def build_broken(dag_id: str, problems: Iterable[Problem], file: str) -> DAG:
    """Build the placeholder of a file that has problems: tagged ``broken``, without a schedule."""
    found = tuple(problems)
    dag = DAG(
        dag_id,
        schedule=None,
        description=f"{file} has {len(found)} problem{'' if len(found) == 1 else 's'}",
        tags=[BROKEN_TAG],
        doc_md=broken_docs(found),
        auto_register=False,
    )
    ProblemsOperator(task_id=_TASK_ID, problems=found, dag=dag, retries=0)
    return dag
