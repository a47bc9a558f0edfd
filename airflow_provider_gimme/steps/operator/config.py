"""What an ``operator`` step may say."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, model_validator

from airflow_provider_gimme.config.retry import Retry
from airflow_provider_gimme.config.scalars import Text
from airflow_provider_gimme.config.step import Step

__all__ = ["StepConfig"]

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_OF_CALLS = ("on", "timeout", "max_wait")
_OURS = frozenset({"task_id", "retries", "retry_delay", "execution_timeout", "trigger_rule", "pool", "dag"})


def _check_path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError(
            "not the path of a class. Write it in full, like airflow.providers.standard.operators.bash.BashOperator."
        )
    return value


class StepConfig(Step):
    """Run an operator of Airflow; what it returns is the output."""

    type: Literal["operator"]
    operator: Annotated[Text, AfterValidator(_check_path)]
    """The full path of the operator's class, one of ``[gimme] allowed_operators``; no template."""
    args: dict[str, Any] = {}
    """Its arguments: a structure; strings are templates, a lone one keeps its type. Airflow renders none of them."""
    retry: Retry | None = None
    """When it is tried again after a failure: ``limit``, ``delay``, ``backoff`` …; without it, never."""

    @property
    def own_clock(self) -> bool:
        """Airflow ends it at its limit: an operator knows nothing of ours."""
        return False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for key in _OF_CALLS:
            if self.retry is not None and key in self.retry.model_fields_set:
                raise ValueError(f"'retry.{key}' is about HTTP calls, and an operator makes its own. Remove it.")
        for key in self.args.keys() & _OURS:
            raise ValueError(f"'args.{key}' is the step's own. Write the step's keys: retry, timeout, run_on, pool.")
        return self
