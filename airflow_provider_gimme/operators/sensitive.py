"""The sensitive outputs of a run, as one task of it reads and makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.hooks.sealing import Seal, hide_leaves, secret_texts
from airflow_provider_gimme.http.redaction import HIDDEN, Redactor
from airflow_provider_gimme.operators.shown import hide

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import Plan

__all__ = ["Opened", "Sensitive", "is_sensitive", "never_opened"]

Opened = Callable[[str, Any], Any]
"""Gives what a task sees of the sensitive output of another: task id and envelope to value."""


def is_sensitive(plan: Plan, task_id: str) -> bool:
    """Say whether the output of a task is a sensitive one."""
    step = plan.by_id.get(task_id)
    return step is not None and step.config.sensitive


def never_opened(_task_id: str, _envelope: Any) -> Any:
    """Return what stands for a sensitive output where nothing of it may be seen."""
    return HIDDEN


@dataclass
class Sensitive:
    """What one task has opened: each text of it is a secret from then on."""

    run: TaskRun
    hide: Callable[[str], object]
    """Makes a text a secret of the task and of Airflow's logs."""
    texts: set[str] = field(default_factory=set, repr=False)
    """The secrets that were opened or made."""

    @cached_property
    def seal(self) -> Seal:
        """The seal of the run.

        :raises StepError: where the worker has no key.
        """
        return Seal.of(self.run.dag_id, self.run.run_id)

    def check(self) -> None:
        """Look for the key, before anything is done that could not be kept.

        :raises StepError: where the worker has none.
        """
        self.seal = Seal.of(self.run.dag_id, self.run.run_id)

    def learn(self, value: Any) -> None:
        """Make the texts of a value secrets."""
        for text in secret_texts(value):
            if text not in self.texts:
                self.texts.add(text)
                self.hide(text)

    def open(self, task_id: str, envelope: Any) -> Any:
        """Return the sensitive output of a task of the run.

        :raises StepError: where it cannot be opened.
        """
        output = self.seal.open(task_id, envelope)
        self.learn(output)
        return output

    def show(self, task_id: str, envelope: Any) -> Any:
        """Return the structure of a sensitive output, with ``***`` for all that stands in it."""
        return hide_leaves(self.seal.open(task_id, envelope))

    def close(self, output: Any) -> dict[str, str]:
        """Return the envelope for the task's own output."""
        self.learn(output)
        return self.seal.close(self.run.task_id, output)

    def without(self, output: Any) -> Any:
        """Return an output with all hidden that it repeats of sensitive ones."""
        return hide(output, Redactor(self.texts)) if self.texts else output
