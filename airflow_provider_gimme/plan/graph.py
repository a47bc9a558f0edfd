"""Who waits for whom: written dependencies, implied ones, and the order of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError
from itertools import groupby
from typing import TYPE_CHECKING

from airflow_provider_gimme.plan.order import beyond_catches, cycle_of, listed_edges, phases

if TYPE_CHECKING:
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.names import Names
    from airflow_provider_gimme.plan.steps import StepDraft

__all__ = ["Graph", "plan_graph"]


@dataclass(frozen=True)
class Graph:
    """The order of a workflow's steps."""

    order: tuple[str, ...]
    """All steps, each after those it waits for."""
    phases: tuple[tuple[str, ...], ...]
    """The same by the earliest moment each can start."""
    upstream: Mapping[str, tuple[str, ...]]
    """Step to the steps it waits for, in order."""
    chosen_by: Mapping[str, tuple[str, ...]]
    """Step to the switches that may choose it; only those that a switch names."""

    def before(self, name: str) -> frozenset[str]:
        """Return all steps that have ended when a step starts, however far before it."""
        found: set[str] = set()
        open_ends = [name]
        while open_ends:
            new = set(self.upstream[open_ends.pop()]) - found
            found |= new
            open_ends.extend(new)
        return frozenset(found)


def plan_graph(drafts: Mapping[str, StepDraft], names: Names, context: Context) -> Graph | None:
    """Find the order of the steps; problems go into their contexts, and a cycle has no order: None.

    If no step writes ``depends_on`` or ``parallel_group``, steps run as listed; else by what they depend on.
    """
    written = {name: _written(draft, names) for name, draft in drafts.items()}
    listed = _is_listed(drafts, context)
    chosen_by = _chosen_by(drafts, names, listed=listed)
    edges = {name: {*before, *drafts[name].reads, *chosen_by.get(name, ())} for name, before in written.items()}
    if listed:
        _check_forward(drafts, names)
        for name, before in listed_edges(_units(drafts)).items():
            edges[name] = {*before, *written[name], *chosen_by.get(name, ())}
    else:
        _warn_of_roots(drafts, edges, names)
    for name, draft in drafts.items():
        _check_itself(name, draft, names)
        edges[name].discard(name)
    catches = frozenset(name for name, draft in drafts.items() if draft.config.run_on != "success")
    try:
        full = beyond_catches(edges, catches)
        found = phases(full, names.listed)
    except CycleError as error:
        _report_cycle(drafts, cycle_of(error))
        return None
    order = [name for phase in found for name in phase]
    rank = {name: index for index, name in enumerate(order)}
    upstream = {name: tuple(sorted(full[name], key=rank.__getitem__)) for name in order}
    return Graph(tuple(order), tuple(found), upstream, chosen_by)


def _chosen_by(drafts: Mapping[str, StepDraft], names: Names, *, listed: bool) -> dict[str, tuple[str, ...]]:
    """Return the switches of each step that one may choose: it waits for all of them."""
    found: dict[str, tuple[str, ...]] = {}
    for name, draft in drafts.items():
        for step in sorted(getattr(draft.work, "chooses", ()), key=names.place.__getitem__):
            if listed and names.place[step] < names.place[name]:
                draft.context.report(f"chooses '{step}', which runs earlier in the list. Move '{step}' below '{name}'.")
            else:
                found[step] = (*found.get(step, ()), name)
    return found


def _is_listed(drafts: Mapping[str, StepDraft], context: Context) -> bool:
    if context.workflow.order is not None:
        return context.workflow.order == "listed"
    configs = [draft.config for draft in drafts.values()]
    return all(step.depends_on is None and step.parallel_group is None for step in configs)


def _written(draft: StepDraft, names: Names) -> tuple[str, ...]:
    found: list[str] = []
    for index, name in enumerate(draft.config.depends_on or ()):
        steps = names.expand(name)
        if steps is None:
            draft.context.at("depends_on", index).report(names.unknown(name))
        found.extend(steps or ())
    return tuple(found)


def _units(drafts: Mapping[str, StepDraft]) -> list[Sequence[str]]:
    """Neighbours of one group are one unit, every other step is one of its own."""
    keys = [(draft.config.parallel_group or f"\0{name}", name) for name, draft in drafts.items()]
    return [[name for _, name in unit] for _, unit in groupby(keys, key=lambda pair: pair[0])]


def _check_itself(name: str, draft: StepDraft, names: Names) -> None:
    group = draft.config.parallel_group
    for index, other in enumerate(draft.config.depends_on or ()):
        if other == name:
            draft.context.at("depends_on", index).report(f"'{name}' depends on itself. Remove it here.")
        elif other == group:
            draft.context.at("depends_on", index).report(f"'{name}' depends on '{group}', of which it is a member.")
    if name in draft.reads and name not in (draft.config.depends_on or ()):
        own = f"'{name}' refers to its own output, which is not there before it has run"
        draft.context.report(f"{own}{f', by way of its group {group!r}' if group in names.members else ''}.")


def _check_forward(drafts: Mapping[str, StepDraft], names: Names) -> None:
    for name, draft in drafts.items():
        for other in sorted(draft.reads, key=lambda step: names.place[step]):
            if names.place[other] > names.place[name]:
                draft.context.report(
                    f"refers to step '{other}', which runs later in the list. Move '{other}' up, or order the steps "
                    "by 'depends_on'."
                )


def _warn_of_roots(drafts: Mapping[str, StepDraft], edges: Mapping[str, set[str]], names: Names) -> None:
    for name, draft in drafts.items():
        config = draft.config
        alone = config.depends_on is None and config.parallel_group is None and not edges[name]
        if alone and name and names.place[name] > 0:
            draft.context.report(
                f"'{name}' has no 'depends_on', so it starts at once. Write 'depends_on: []' if that is meant.",
                warning=True,
            )


def _report_cycle(drafts: Mapping[str, StepDraft], cycle: list[str]) -> None:
    place = drafts[cycle[0]].context
    place.report(f"a cycle: {' → '.join(cycle)}. No step of it could ever start: remove one of these dependencies.")
