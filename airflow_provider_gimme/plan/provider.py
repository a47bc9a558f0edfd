"""From a file of ``providers/`` to its bindings, or to all of its problems."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.errors import ExpressionError, Problem, WorkflowError
from airflow_provider_gimme.loading.provider import LoadedProvider, load_provider
from airflow_provider_gimme.plan.events import Bound, check_field, compile_input

__all__ = ["ProviderPlan", "plan_provider"]


@dataclass(frozen=True)
class ProviderPlan:
    """What a file of ``providers/`` binds."""

    file: str
    bindings: tuple[Bound, ...]
    places: tuple[tuple[int, int], ...] = field(repr=False)
    """Line and column of each binding's ``workflow_id``."""

    def unknown(self, dag_ids: Collection[str]) -> tuple[Problem, ...]:
        """Return a problem for each binding to a workflow that is not there; the other bindings count all the same."""
        return tuple(
            Problem(
                self.file,
                line,
                column,
                f"workflows[{index}].workflow_id",
                f"no workflow here is called '{bound.workflow_id}'.{did_you_mean(bound.workflow_id, dag_ids)} "
                "Its file belongs beside the folder 'providers' or below it, and has to be free of problems.",
            )
            for index, (bound, (line, column)) in enumerate(zip(self.bindings, self.places, strict=True))
            if bound.workflow_id not in dag_ids
        )


def plan_provider(text: str | bytes, file: str) -> ProviderPlan:
    """Read the bindings of a text; ``file`` names it in messages.

    :raises WorkflowError: with every problem of the text at once.
    """
    loaded = load_provider(text, file)
    bindings = tuple(_bindings(loaded))
    if loaded.report.failed or loaded.config is None:
        raise WorkflowError(loaded.problems)
    places = tuple(loaded.place("workflows", index, "workflow_id") for index in range(len(bindings)))
    return ProviderPlan(file, bindings, places)


def _bindings(loaded: LoadedProvider) -> Iterator[Bound]:
    if loaded.config is None:
        return
    for index, binding in enumerate(loaded.config.workflows):
        try:
            yield Bound.of(loaded.config.provider.id, loaded.report.file, binding)
        except ExpressionError:
            _tell_faults(loaded, index)


def _tell_faults(loaded: LoadedProvider, index: int) -> None:
    """Report each path of a binding that cannot be read, where it stands."""
    if loaded.config is None:
        return
    binding, here = loaded.config.workflows[index], ("workflows", index)
    for name, value in (binding.input or {}).items():
        try:
            compile_input(value)
        except ExpressionError as error:
            loaded.tell((*here, "input", name), error.message)
    for place, trigger in enumerate(binding.triggers):
        key = "conditions" if trigger.conditions is not None else "when"
        for number, condition in enumerate(trigger.all_conditions):
            try:
                check_field(condition.field)
            except ExpressionError as error:
                loaded.tell((*here, "triggers", place, key, number, "field"), error.message)
