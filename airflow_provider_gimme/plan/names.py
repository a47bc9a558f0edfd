"""The names of a workflow: its steps, its groups, its output keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_gimme.config.suggestions import did_you_mean

if TYPE_CHECKING:
    from airflow_provider_gimme.config import Workflow

__all__ = ["RESUME_URLS", "Names"]

RESUME_URLS = "resume_urls"
"""What calls know beside the scope: step to the URL that tells it what it waits for."""


@dataclass(frozen=True)
class Names:
    """What the steps and groups of a workflow are called."""

    listed: tuple[str, ...]
    """The task ids of all steps, as listed."""
    place: Mapping[str, int]
    """Task id to index in the list of steps."""
    members: Mapping[str, tuple[str, ...]]
    """Group to the task ids of its members, as listed."""
    output_keys: Mapping[str, str]
    """``outputs.<key>`` to the step it stands for."""
    waiting: tuple[str, ...] = ()
    """The steps that wait for an event, which have a resume URL."""

    @classmethod
    def of(cls, workflow: Workflow) -> Names:
        """Collect the names of a workflow; of two steps with one name the first counts."""
        place: dict[str, int] = {}
        members: dict[str, list[str]] = {}
        for index, step in enumerate(workflow.steps):
            if place.setdefault(step.task_id, index) == index and step.parallel_group is not None:
                members.setdefault(step.parallel_group, []).append(step.task_id)
        keys = {step.output_key: step.task_id for step in workflow.steps if step.output_key}
        waiting = tuple(step.task_id for step in workflow.steps if getattr(step, "event", None) is not None)
        return cls(tuple(place), place, {name: tuple(ids) for name, ids in members.items()}, keys, waiting)

    def expand(self, name: str) -> tuple[str, ...] | None:
        """Return the task ids that a name stands for: a step's own, a group's members; None for an unknown name."""
        if name in self.place:
            return (name,)
        return self.members.get(name)

    def unknown(self, name: str) -> str:
        """Say that no step or group has a name, and what is near."""
        near = did_you_mean(name, (*self.listed, *self.members))
        return f"no step or group is called '{name}'.{near or ' Steps: ' + _shown(self.listed)}"


def _shown(names: tuple[str, ...]) -> str:
    few = ", ".join(names[:8])
    return f"{few}, … ({len(names)} in all)." if len(names) > 8 else f"{few}."
