"""The order of steps: who waits for whom, cycles, phases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

__all__ = ["Edges", "beyond_catches", "cycle_of", "listed_edges", "phases", "sorted_steps"]

Edges = Mapping[str, Iterable[str]]
"""Step to the steps it waits for."""


def listed_edges(units: Sequence[Sequence[str]]) -> dict[str, set[str]]:
    """Return the edges of a list: each unit (a step, or neighbours of one group) waits for the unit before it."""
    edges: dict[str, set[str]] = {name: set() for unit in units for name in unit}
    for before, unit in pairwise(units):
        for name in unit:
            edges[name].update(before)
    return edges


def cycle_of(error: CycleError) -> list[str]:
    """Return the cycle as a path that begins and ends with the same step, in the direction of the run."""
    cycle: list[str] = error.args[1]
    return cycle


def sorted_steps(edges: Edges, listed: Sequence[str]) -> list[str]:
    """Return the steps in an order in which each comes after those it waits for, else as listed."""
    return [name for phase in phases(edges, listed) for name in phase]


def phases(edges: Edges, listed: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the steps by the earliest moment each can start; those of one phase as listed.

    :raises CycleError: where they have no order.
    """
    sorter = TopologicalSorter({name: edges.get(name, ()) for name in listed})
    sorter.prepare()
    place = {name: index for index, name in enumerate(listed)}
    found = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        found.append(tuple(ready))
        sorter.done(*ready)
    return found


def beyond_catches(edges: Edges, catches: frozenset[str]) -> dict[str, set[str]]:
    """Let what follows a catch or a finally wait for the steps before it too, so that a failure there still counts.

    ``catches`` are the steps that run although something before them has failed.
    """
    if not catches:
        return {name: set(before) for name, before in edges.items()}
    result: dict[str, set[str]] = {}
    for name in sorted_steps(edges, list(edges)):
        before = set(edges[name])
        for step in before & catches:
            before |= result[step]
        result[name] = before
    return result
