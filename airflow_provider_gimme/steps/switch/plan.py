"""What a ``switch`` step means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_gimme.plan.names import Names

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.switch.config import StepConfig

__all__ = ["Choice", "SwitchWork", "plan_work"]


@dataclass(frozen=True)
class Choice:
    """Steps that may be chosen."""

    steps: tuple[str, ...]
    """Their task ids, as written; a group stands for its members."""
    condition: Compiled[bool] | None = None
    """When they are; None for the default."""


@dataclass(frozen=True)
class SwitchWork:
    """A choice, compiled."""

    cases: tuple[Choice, ...]
    default: Choice

    @property
    def chooses(self) -> frozenset[str]:
        """All steps that it may choose: they wait for it."""
        return frozenset(name for choice in (*self.cases, self.default) for name in choice.steps)

    def choose(self, scope: Scope) -> tuple[int | None, Choice]:
        """Return the first case that is true, with its index; None and the default where none is.

        :raises ExpressionError: where a condition cannot be evaluated, or is neither true nor false.
        """
        for index, case in enumerate(self.cases):
            if case.condition is not None and case.condition.evaluate(scope):
                return index, case
        return None, self.default


def plan_work(config: StepConfig, context: Context) -> SwitchWork:
    """Compile the cases of a ``switch`` step; ``context`` stands at the step."""
    names = Names.of(context.workflow)
    cases = []
    for index, case in enumerate(config.cases):
        place = context.at("cases", index)
        written = str(case.condition).lower() if isinstance(case.condition, bool) else case.condition
        condition = place.at("condition").compile("condition", written)
        cases.append(Choice(tuple(_steps(case.steps, config.task_id, names, place.at("steps"))), condition))
    return SwitchWork(
        tuple(cases), Choice(tuple(_steps(config.default or [], config.task_id, names, context.at("default"))))
    )


def _steps(written: list[str], switch: str, names: Names, place: Context) -> Iterator[str]:
    for index, name in enumerate(written):
        steps = names.expand(name)
        if steps is None:
            place.at(index).report(names.unknown(name))
        elif switch in steps:
            place.at(index).report(f"'{switch}' cannot choose itself. Name steps that come after it.")
        else:
            yield from steps
