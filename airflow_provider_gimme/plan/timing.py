"""How long a run may take, by the limits its steps have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gimme.plan.models import StepPlan

__all__ = ["CriticalPath", "critical_path"]


@dataclass(frozen=True)
class CriticalPath:
    """The chain of steps with the longest sum of limits, one try of each."""

    steps: tuple[str, ...]
    length: timedelta
    unbounded: tuple[str, ...]
    """Steps of the chain without a limit, counted as nothing."""


def critical_path(steps: Sequence[StepPlan]) -> CriticalPath:
    """Return the critical path of steps that are in the plan's order."""
    longest: dict[str, timedelta] = {}
    before: dict[str, str | None] = {}
    for step in steps:
        slowest = max(step.upstream, key=longest.__getitem__, default=None)
        before[step.task_id] = slowest
        longest[step.task_id] = (longest[slowest] if slowest else timedelta(0)) + (_limit(step) or timedelta(0))
    last = max(longest, key=longest.__getitem__)
    chain = [last]
    while (earlier := before[chain[0]]) is not None:
        chain.insert(0, earlier)
    unbounded = {step.task_id for step in steps if _limit(step) is None}
    return CriticalPath(tuple(chain), longest[last], tuple(name for name in chain if name in unbounded))


def _limit(step: StepPlan) -> timedelta | None:
    """Return the limit of one try of a step; of a job without one of its own, how long it is waited for."""
    waited: timedelta | None = getattr(step.work, "longest", None)
    return step.timeout or waited
