from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.loading.merge import merge
from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Path, Scalar, Sequence, plain
from airflow_provider_gimme.loading.shape import STEP, WORKFLOW, Shape

ANY = Shape()


def tree(value: Any, line: int = 1, path: Path = ()) -> Node:
    """Return the tree of some data, all of it in one line."""
    if isinstance(value, dict):
        entries = {key: Entry(line, 1, (*path, key), tree(below, line, (*path, key))) for key, below in value.items()}
        return Mapping(line, 1, path, entries)
    if isinstance(value, list):
        return Sequence(line, 1, path, [tree(item, line, (*path, index)) for index, item in enumerate(value)])
    return Scalar(line, 1, path, value, json.dumps(value).strip('"'))


def merged(near: Any, far: Any, shape: Shape = ANY) -> Any:
    """Return what merging two pieces of data gives."""
    return plain(merge(tree(near, 1), tree(far, 2), shape))


keys = st.sampled_from(["a", "b", "c", "d"])
data = st.recursive(
    st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
maps = st.dictionaries(keys, data, max_size=4)


@given(maps, maps)
def test_maps_merge_deeply_and_all_else_replaces(near: dict[str, Any], far: dict[str, Any]) -> None:
    """Each key comes from the nearer map that has it; only two maps go deeper."""
    result = merged(near, far)
    assert result.keys() == near.keys() | far.keys()
    for key, value in result.items():
        if key not in near:
            assert value == far[key]
        elif isinstance(near[key], dict) and isinstance(far.get(key), dict):
            assert value == merged(near[key], far[key])
        else:
            assert value == near[key]


@given(maps, maps, maps)
def test_it_does_not_matter_which_layers_are_merged_first(
    near: dict[str, Any], middle: dict[str, Any], far: dict[str, Any]
) -> None:
    """Merging maps of maps and lists is associative, where no key changes from a map to something else and back."""
    kinds = [{key: isinstance(value, dict) for key, value in layer.items()} for layer in (near, middle, far)]
    if any(one[key] or other[key] for one in kinds for other in kinds for key in one.keys() & other.keys()):
        return
    left = merge(merge(tree(near), tree(middle)), tree(far))
    right = merge(tree(near), merge(tree(middle), tree(far)))
    assert plain(left) == plain(right)


@given(maps)
def test_merging_with_itself_or_with_nothing_changes_nothing(value: dict[str, Any]) -> None:
    """An empty map adds nothing, neither near nor far."""
    assert merged(value, value) == merged(value, {}) == merged({}, value) == value


@given(maps, maps)
def test_merging_leaves_what_it_merges_as_it_was(near: dict[str, Any], far: dict[str, Any]) -> None:
    """The written document stays what was written."""
    near_tree, far_tree = tree(near), tree(far)
    merge(near_tree, far_tree)
    assert (plain(near_tree), plain(far_tree)) == (near, far)


EXCLUSIVE = [
    ({"timeout": "1m"}, {"timeout_seconds": 3, "method": "GET"}, {"timeout": "1m", "method": "GET"}),
    ({"retry": {"limit": 1}}, {"retry": {"max_attempts": 3, "delay": "1s"}}, {"retry": {"limit": 1, "delay": "1s"}}),
    ({"payload": {"a": 1}}, {"input_map": {}, "payload": {"b": 1}}, {"payload": {"a": 1, "b": 1}}),
    ({"continue_on_error": False}, {"on_failure": "abort"}, {"continue_on_error": False}),
]


@pytest.mark.parametrize("near, far, result", EXCLUSIVE)
def test_the_nearer_of_keys_that_exclude_each_other_removes_the_others(near: Any, far: Any, result: Any) -> None:
    """``timeout`` in a step is not in the way of ``timeout_seconds`` in ``defaults``."""
    assert merged(near, far, STEP) == result


@pytest.mark.parametrize("kind", ["transform", "fail"])
def test_keys_exclude_each_other_by_the_type_of_the_step(kind: str) -> None:
    """Each step type says which of its keys exclude each other."""
    result = merged({"type": kind, "payload": 1}, {"type": kind, "payload_template": "x"}, STEP)
    assert ("payload_template" in result) == (kind == "fail")


def test_an_auth_of_another_type_replaces_the_whole() -> None:
    """No key of the farther credentials is left behind."""
    far = {"auth": {"type": "bearer", "token": "${T}"}}
    assert merged({"auth": {"type": "none"}}, far, WORKFLOW) == {"auth": {"type": "none"}}
    assert merged({"auth": {"token": "${U}"}}, far, WORKFLOW) == {"auth": {"type": "bearer", "token": "${U}"}}


def test_a_schedule_of_another_kind_replaces_the_whole() -> None:
    """``every`` has no zone, so the zone of a ``cron`` goes with it."""
    far = {"schedule": {"cron": "0 1 * * *", "timezone": "UTC"}}
    assert merged({"schedule": {"every": "1h"}}, far, WORKFLOW) == {"schedule": {"every": "1h"}}
    assert merged({"schedule": {"timezone": "Asia/Tokyo"}}, far, WORKFLOW)["schedule"]["cron"] == "0 1 * * *"


def test_headers_are_equal_but_for_case() -> None:
    """The nearer header replaces the farther one of its name."""
    assert merged({"headers": {"accept": "a"}}, {"headers": {"Accept": "b", "X": "c"}}, STEP) == {
        "headers": {"X": "c", "accept": "a"}
    }
    assert merged({"payload": {"headers": {"a": 1}}}, {"payload": {"headers": {"A": 2}}}, STEP) == {
        "payload": {"headers": {"A": 2, "a": 1}}
    }


def test_every_value_keeps_the_place_where_it_was_written() -> None:
    """A message points to ``defaults`` where the value comes from there."""
    node = merge(tree({"retry": {"limit": 1}}, 1), tree({"retry": {"delay": "1s"}}, 2), STEP)
    assert isinstance(node, Mapping)
    retry = node.get("retry")
    assert isinstance(retry, Mapping)
    assert {key: entry.line for key, entry in retry.entries.items()} == {"delay": 2, "limit": 1}
