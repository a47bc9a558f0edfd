"""Groups and pools: what bounds how much runs at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.plan.models import GroupPlan

if TYPE_CHECKING:
    from airflow_provider_gimme.config.step import Step
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.names import Names

__all__ = ["check_pools", "plan_groups", "plan_pools", "pool_of"]

_AIRFLOWS_OWN = "default_pool"


def plan_groups(context: Context, names: Names) -> tuple[GroupPlan, ...]:
    """Plan the groups of a workflow, in the order of their first members."""
    workflow = context.workflow
    for unused in sorted(set(workflow.groups) - set(names.members)):
        near = did_you_mean(unused, names.members) or " Remove the group."
        context.root().at("groups", unused).report(f"no step has parallel_group '{unused}'.{near}", warning=True)
    return tuple(_plan_group(context, names, name, members) for name, members in names.members.items())


def _plan_group(context: Context, names: Names, name: str, members: tuple[str, ...]) -> GroupPlan:
    written = context.workflow.groups.get(name, {})
    bound = _max_parallel(context, names, name, members)
    pool = None if bound is None else f"gimme.{context.workflow.dag_id}.{name}"
    return GroupPlan(name, str(written.get("description", "")), members, bound, pool)


def _max_parallel(context: Context, names: Names, group: str, members: tuple[str, ...]) -> int | None:
    bound = context.workflow.groups.get(group, {}).get("max_parallel")
    for member in members:
        index = names.place[member]
        own = context.workflow.steps[index].max_parallel
        if own is not None and bound is not None and own != bound:
            context.step(index).at("max_parallel").report(
                f"the members of group '{group}' differ in 'max_parallel' ({bound} and {own}). "
                f"Write it once, under groups.{group}."
            )
        bound = own if bound is None else bound
    return None if bound is None else int(bound)


def pool_of(step: Step, groups: tuple[GroupPlan, ...]) -> str | None:
    """Return the pool a step takes a slot of: its bounded group's, else the one it names."""
    bounded = {group.name: group.pool for group in groups if group.pool is not None}
    return bounded.get(step.parallel_group or "", step.pool)


def plan_pools(workflow_pools: Mapping[str, int], groups: tuple[GroupPlan, ...]) -> dict[str, int]:
    """Return the pools that a workflow makes, with their slots."""
    bounded = {group.pool: group.max_parallel for group in groups if group.pool and group.max_parallel}
    return {**workflow_pools, **bounded}


def check_pools(context: Context, groups: tuple[GroupPlan, ...]) -> None:
    """Check every ``pool`` and ``max_parallel`` of a step: that the pool is known and that one bound counts."""
    if _AIRFLOWS_OWN in context.workflow.pools:
        context.root().at("pools", _AIRFLOWS_OWN).report(
            f"'{_AIRFLOWS_OWN}' is Airflow's own, and no file changes it. Remove it here, and set its slots in Airflow."
        )
    known = {_AIRFLOWS_OWN, *context.workflow.pools, *context.site.pools}
    bounded = {group.name for group in groups if group.pool is not None}
    for index, step in enumerate(context.workflow.steps):
        if step.max_parallel is not None and step.parallel_group is None:
            told = "'max_parallel' bounds a group. Add 'parallel_group', or use 'pool'."
            context.step(index).at("max_parallel").report(told)
        if step.pool is None:
            continue
        place = context.step(index)
        if step.parallel_group in bounded:
            place.at("pool").report(
                f"group '{step.parallel_group}' is bounded by 'max_parallel', which is a pool of its own. "
                "Remove one of the two."
            )
        elif step.pool not in known:
            near = did_you_mean(step.pool, known)
            place.at("pool").report(
                f"no pool is called '{step.pool}'.{near} Add it to 'pools' with its number of slots."
            )
