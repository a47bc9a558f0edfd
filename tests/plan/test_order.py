"""Who waits for whom."""

from __future__ import annotations

from graphlib import CycleError
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.plan.order import beyond_catches, cycle_of, listed_edges, phases, sorted_steps

NAMES = [f"s{number}" for number in range(8)]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, set[str]]:
    """Draw a graph without cycles: each step waits for some of those before it in a shuffled order."""
    names = draw(st.permutations(NAMES))
    return {
        name: set(draw(st.lists(st.sampled_from(names[:at]), max_size=3))) if at else set()
        for at, name in enumerate(names)
    }


def test_listed_steps_wait_for_the_one_before() -> None:
    """A list runs in its order, and neighbours of one group run side by side."""
    assert listed_edges([["a"], ["b", "c"], ["d"]]) == {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"b", "c"}}


def test_a_cycle_is_told_as_a_path() -> None:
    """The path begins and ends with the same step, and every step of it waits for the one before."""
    edges = {"a": {"c"}, "b": {"a"}, "c": {"b"}, "d": set()}
    with pytest.raises(CycleError) as caught:
        phases(edges, list(edges))
    cycle = cycle_of(caught.value)
    assert cycle[0] == cycle[-1]
    assert all(before in edges[after] for before, after in pairwise(cycle))


@given(graphs())
def test_every_step_comes_after_those_it_waits_for(edges: dict[str, set[str]]) -> None:
    """Sorting keeps all steps, once, each after its upstreams; phases agree with it."""
    order = sorted_steps(edges, NAMES)
    assert sorted(order) == NAMES
    assert all(order.index(before) < order.index(name) for name in NAMES for before in edges[name])
    level = {name: at for at, phase in enumerate(phases(edges, NAMES)) for name in phase}
    assert all(level[name] == 1 + max((level[before] for before in edges[name]), default=-1) for name in NAMES)


def test_what_follows_a_catch_also_waits_for_what_the_catch_watches() -> None:
    """A catch does not heal: the step after it must not start because the catch itself went well."""
    edges = {"work": set[str](), "catch": {"work"}, "finally": {"catch"}, "after": {"finally"}}
    full = beyond_catches(edges, frozenset({"catch", "finally"}))
    assert full["after"] == {"finally", "catch", "work"}
    assert full["catch"] == {"work"}


@given(graphs())
def test_without_a_catch_nothing_is_added(edges: dict[str, set[str]]) -> None:
    """Only steps that run after a failure let their followers wait for more."""
    assert beyond_catches(edges, frozenset()) == edges
