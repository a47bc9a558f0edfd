"""Which steps the end of a run has to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gimme.plan import Plan

__all__ = ["result_steps", "watched_steps"]


def watched_steps(plan: Plan) -> tuple[str, ...]:
    """Return the steps, in order, whose ends together mean that every step has ended.

    Leaves are not enough: a step with several before it is given up as soon as *one* of them has failed, while others
    still run. So those before such a step are watched themselves. What has a single step before it, or waits for all of
    them (``run_on``), cannot end before they do.
    """
    watched = set(plan.leaves)
    for step in plan.steps:
        if step.run_on == "success" and len(step.upstream) > 1:
            watched.update(step.upstream)
    return tuple(step.task_id for step in plan.steps if step.task_id in watched)


def result_steps(plan: Plan) -> tuple[str, ...]:
    """Return the steps, in order, that must have gone well before there is a result: the leaves.

    As for any step, what stands before a catch or a finally counts too: a leaf that caught a failure heals nothing.
    """
    wanted = set(plan.leaves)
    for name in plan.leaves:
        if plan.by_id[name].run_on != "success":
            wanted.update(plan.by_id[name].upstream)
    return tuple(step.task_id for step in plan.steps if step.task_id in wanted)
