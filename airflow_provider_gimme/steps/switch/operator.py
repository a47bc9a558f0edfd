"""The task of a ``switch`` step: it tells which steps are chosen; the others skip themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.operators.step import CHOSEN_KEY, StepTask

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.steps.switch.plan import SwitchWork

__all__ = ["StepOperator"]


class StepOperator(StepTask):
    """Choose which steps run."""

    custom_operator_name = "switch"
    ui_color = "#fbefc4"

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Return which case was taken (None: the default) and its steps."""
        work: SwitchWork = self.step.work  # type: ignore[assignment]
        index, choice = work.choose(scope)
        steps = list(choice.steps)
        why = "no case is true" if choice.condition is None else f"cases[{index}] is true: {choice.condition.source}"
        self.log.info("Chosen: %s (%s)", ", ".join(steps) or "nothing", why)
        run.push(CHOSEN_KEY, steps)
        return {"case": index, "steps": steps}
