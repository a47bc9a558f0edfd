"""What a run leaves to the next one: the expressions of ``state``, and who reads what was left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.expressions import ANY
from airflow_provider_gimme.plan.models import StatePlan
from airflow_provider_gimme.plan.references import check_references

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Reference
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.names import Names

__all__ = ["plan_state", "state_names"]


def plan_state(context: Context, names: Names, outputs: Compiled[Any] | None) -> StatePlan:
    """Compile the expressions of ``state``; ``outputs`` are evaluated beside them, by the same task."""
    place = context.of_run().separate()
    written = context.workflow.state
    values = {name: place.at("state", name).compile("expression", text) for name, text in written.items()}
    read = check_references(place, names)
    _check_sensitive(place, names)
    own = [reference for _, reference in place.references]
    return StatePlan(
        values=values,
        reads=frozenset(names.listed) if ANY in read else read,
        state_read=state_names(own if outputs is None else [*own, *outputs.references], written),
    )


def state_names(references: Iterable[Reference], written: Iterable[str]) -> frozenset[str]:
    """Return the names of a workflow's state that are read; all that are ``written`` where one is not spelled out."""
    known = frozenset(written)
    read = {each.member for each in references if each.kind == "name" and each.name == "state"}
    return known if None in read else known & read


def _check_sensitive(place: Context, names: Names) -> None:
    """Report the expressions that read a sensitive output: the state can be read by everyone who may read assets."""
    hidden = {step.task_id for step in place.workflow.steps if step.sensitive}
    for path, reference in place.references:
        if reference.kind not in {"step", "output"}:
            continue
        task_id = names.output_keys.get(reference.name) if reference.kind == "output" else reference.name
        for name in hidden.intersection(names.expand(task_id or "") or ()):
            place.root().at(*path).report(
                f"the output of step '{name}' is 'sensitive', and the state can be read in Airflow. "
                "Store something else."
            )
