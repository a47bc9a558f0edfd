"""The task ``outcome``: the last one, and the only one that decides how the run ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.operators.base import WorkflowTask
from airflow_provider_gimme.operators.ending import Compensated, Ending, read_ending
from airflow_provider_gimme.operators.fields import (
    BINDINGS_FIELD,
    COMPENSATION_GROUP,
    FINGERPRINT_FIELD,
    INACTIVE_FIELD,
    POOLS_FIELD,
    RESULT,
    write_pools,
)
from airflow_provider_gimme.operators.result import OUTPUTS_KEY, is_child, read_result
from airflow_provider_gimme.operators.state import STATE_KEY, store_state

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["OutcomeOperator", "failure_message"]

_SHOWN = 20


class OutcomeOperator(WorkflowTask):
    """Fail the run where a step failed, or where somebody ended it; else store what it leaves to the next one.

    Airflow takes the state of a run from its leaves, so that a notification sent after a failure would turn the failed
    run into a success. This task is the run's only leaf.
    """

    custom_operator_name = "outcome"
    ui_color = "#f2f2f2"

    def carry(self, pools: Mapping[str, int], fingerprint: str | None, bindings: Sequence[str]) -> None:
        """Take along the workflow's pools, its events, and a hash of all that shapes its runs."""
        if pools:
            setattr(self, POOLS_FIELD, write_pools(pools))
        if fingerprint is not None:
            setattr(self, FINGERPRINT_FIELD, fingerprint)
        if bindings:
            setattr(self, BINDINGS_FIELD, list(bindings))
        if self.plan.workflow.active is False:
            setattr(self, INACTIVE_FIELD, "true")

    def work(self, run: TaskRun) -> dict[str, Any]:
        """Return how the run ended.

        :raises StepError: where it failed, naming the steps and their errors.
        """
        ending = read_ending(run)
        verdict = ending.verdict
        if ending.compensation is not None:
            run.push(COMPENSATION_GROUP, ending.compensation.to_json())
        if verdict.state == "failed":
            raise StepError(failure_message(ending))
        for name in verdict.tolerated:
            self.log.warning("Step '%s' failed, which the file tolerates: %s", name, ending.message_of(name))
        if run.plan.state.values:
            store_state(run, run.pull(RESULT, STATE_KEY) or {})
        if is_child(run):
            run.push(OUTPUTS_KEY, read_result(run))
        return {"state": verdict.state, "tolerated": list(verdict.tolerated)}


def failure_message(ending: Ending) -> str:
    """Return why a run failed, in a few lines."""
    verdict = ending.verdict
    lines = [
        f"step '{name}' failed: {ending.message_of(name) or 'without a word: its process died, or somebody ended it'}"
        for name in verdict.failed
    ]
    lines += [f"step '{name}' was ended from outside" for name in verdict.ended]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    not_run = [f"not run because of that: {', '.join(verdict.not_run[:_SHOWN])}"] if verdict.not_run else []
    return "\n".join(["the run failed", *lines[:_SHOWN], *more, *not_run, *_compensation_lines(ending.compensation)])


def _compensation_lines(compensation: Compensated | None) -> list[str]:
    if compensation is None:
        return []
    if not compensation.failed:
        return [f"compensated: {', '.join(compensation.undone)}"]
    undone = [f"undone: {', '.join(compensation.undone)}"] if compensation.undone else []
    lines = [f"not undone: '{name}': {_message(error)}" for name, error in compensation.failed.items()]
    return ["compensation failed", *lines[:_SHOWN], *undone]


def _message(error: Any) -> str:
    return str(error["message"]) if isinstance(error, Mapping) else "without a word: its process died"
