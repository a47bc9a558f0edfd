"""What a step gets from elsewhere: from the environment's overlay, its group, its service and the ``defaults``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_gimme.config.fallback import FALLBACK_LIMIT
from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE, step_config
from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.loading.merge import merge
from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Sequence
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.shape import STEP, WORKFLOW, Shape, known_keys
from airflow_provider_gimme.steps import step_types

__all__ = ["GROUP_KEYS", "overlay", "with_defaults"]

GROUP_KEYS = frozenset({"description", "max_parallel"})
"""Keys of a group that are its own rather than its members'."""

_SERVICE_KEYS = frozenset({"timeout", "retry"})
_MAX_INHERITED = 50_000_000


def overlay(root: Mapping, name: str, report: Report) -> Mapping:
    """Return the document as it is in one of its environments; a file without environments is the same in all."""
    environments = root.get("environments")
    if not isinstance(environments, Mapping) or not environments.entries:
        return root
    near = environments.get(name)
    if near is None:
        known = ", ".join(environments.entries)
        near_miss = did_you_mean(name, environments.entries)
        report.add(environments, f"unknown environment '{name}'.{near_miss} Environments of this file: {known}.")
        return root
    if not isinstance(near, Mapping):
        return root
    entries = {key: entry for key, entry in near.entries.items() if key not in {"steps", "environments"}}
    merged = merge(near.with_entries(entries), root, WORKFLOW)
    result = root.with_entries(merged.entries if isinstance(merged, Mapping) else {})
    steps = _overlay_steps(root.get("steps"), near.get("steps"), report)
    return _replace(result, "steps", steps) if steps is not None else result


def _overlay_steps(far: Node | None, near: Node | None, report: Report) -> Node | None:
    if near is None or not isinstance(far, Sequence):
        return None
    items = list(far.items)
    places = {name: index for index, item in enumerate(items) if (name := _name(item)) is not None}
    for name, place, step in _named(near, report):
        index = places.get(name)
        if index is None:
            report.add(
                place, f"there is no step '{name}' to change.{did_you_mean(name, places)} An environment adds no steps."
            )
        elif isinstance(step, Mapping):
            merged = merge(step, items[index], STEP)
            here = items[index]
            items[index] = (
                here.with_entries(merged.entries) if isinstance(here, Mapping) and isinstance(merged, Mapping) else here
            )
    return Sequence(far.line, far.column, far.path, items)


def _named(steps: Node, report: Report) -> Iterator[tuple[str, Node | Entry, Node]]:
    if isinstance(steps, Mapping):
        yield from ((name, entry, entry.node) for name, entry in steps.entries.items())
    elif isinstance(steps, Sequence):
        for item in steps.items:
            name = _name(item)
            if name is None:
                report.add(item, "which step is this? Write its 'name'.")
            else:
                yield name, item, item
    else:
        report.add(steps, "not a map. Write steps by name: 'steps: {fetch: {timeout: 1m}}'.")


def _name(step: Node) -> str | None:
    return (step.text("id") or step.text("name")) if isinstance(step, Mapping) else None


def with_defaults(root: Mapping, report: Report, folder: Mapping | None = None) -> Mapping:
    """Return the document with each step complete: step over group over service over ``defaults`` over ``folder``.

    ``folder`` are the defaults of the file's folder.
    """
    steps = root.get("steps")
    defaults = _together(root.get("defaults"), folder)
    groups, services = dict(root.maps("groups")), dict(root.maps("services"))
    if not isinstance(steps, Sequence):
        return root
    if not (isinstance(defaults, Mapping) or groups or services or any(map(_has_fallback, steps.items))):
        return root
    layers = (root.get("defaults"), folder, *groups.values())
    inherited = sum(node.size for node in layers if node is not None)
    if inherited * len(steps.items) > _MAX_INHERITED:
        report.add(
            root,
            f"'defaults' and 'groups' come to more than {_MAX_INHERITED:,} characters over all steps. Write less.",
        )
        return root
    far = defaults if isinstance(defaults, Mapping) else Mapping(root.line, root.column, root.path)
    sources = _Sources(far, groups, services)
    items = [_complete(item, sources) for item in steps.items]
    return _replace(root, "steps", Sequence(steps.line, steps.column, steps.path, items))


def _together(near: Node | None, far: Mapping | None) -> Node | None:
    if far is None or not isinstance(near, Mapping):
        return far if near is None else near
    return merge(near, far, STEP)


@dataclass(frozen=True)
class _Sources:
    """What a step inherits from."""

    defaults: Mapping
    groups: dict[str, Mapping]
    services: dict[str, Mapping]


def _complete(step: Node, sources: _Sources) -> Node:
    """Return a step with what it inherits, and each of its fallbacks with what that inherits from the step."""
    if not isinstance(step, Mapping):
        return step
    complete = _inherit(step, sources)
    fallback, model = complete.get("fallback"), STEP.model(complete)
    shape = STEP.under("fallback", model).items
    if model is None or shape is None or not isinstance(fallback, Sequence) or len(fallback.items) > FALLBACK_LIMIT:
        return complete
    keys = known_keys(shape.models[0]) - {"value"}
    items = [_entry(item, step, Shape(models=(model,)), keys, sources) for item in fallback.items]
    return _replace(complete, "fallback", Sequence(fallback.line, fallback.column, fallback.path, items))


def _entry(entry: Node, step: Mapping, shape: Shape, keys: frozenset[str], sources: _Sources) -> Node:
    """Return one entry of a fallback over what the step says itself, then over what a step of its service inherits."""
    if not isinstance(entry, Mapping):
        return entry
    near = merge(entry, _only(step, keys), shape)
    if not isinstance(near, Mapping):
        return entry
    placed: dict[str, Entry] = {key: step.entries[key] for key in ("type", "parallel_group") if key in step.entries}
    complete = _inherit(near.with_entries({**near.entries, **placed}), sources)
    return _only(complete, keys | entry.entries.keys())


def _inherit(step: Mapping, sources: _Sources) -> Mapping:
    """Return a step over its group, its service and the defaults."""
    defaults, groups, services = sources.defaults, sources.groups, sources.services
    group_name = step.text("parallel_group") or defaults.text("parallel_group")
    group = groups.get(group_name or "", _EMPTY)
    kind = step.text("type") or group.text("type") or defaults.text("type") or DEFAULT_STEP_TYPE
    if kind not in step_types():
        return step
    known = known_keys(step_config(kind))
    service_name = step.text("service") or group.text("service") or defaults.text("service")
    service = services.get(service_name or "", _EMPTY)
    layers = (
        _only(group, known - GROUP_KEYS),
        _only(service, known & _SERVICE_KEYS),
        _without_headers(_only(defaults, known if group_name else known - {"max_parallel"}), service),
    )
    complete: Node = step
    for layer in layers:
        if layer.entries:
            complete = merge(complete, layer, STEP)
    return complete if isinstance(complete, Mapping) else step


_EMPTY = Mapping(1, 1, ())


def _has_fallback(step: Node) -> bool:
    return isinstance(step, Mapping) and "fallback" in step.entries


def _only(source: Mapping, keys: frozenset[str]) -> Mapping:
    return source.with_entries({key: entry for key, entry in source.entries.items() if key in keys})


def _without_headers(defaults: Mapping, service: Mapping) -> Mapping:
    """Return ``defaults`` without the headers that a service, which is nearer, gives each of its calls itself."""
    written, nearer = defaults.get("headers"), service.get("headers")
    if not (isinstance(written, Mapping) and isinstance(nearer, Mapping)):
        return defaults
    names = {name.lower() for name in nearer.entries}
    left = {name: entry for name, entry in written.entries.items() if name.lower() not in names}
    return _replace(defaults, "headers", written.with_entries(left))


def _replace(root: Mapping, key: str, node: Node) -> Mapping:
    entry = root.entries[key]
    return root.with_entries({**root.entries, key: Entry(entry.line, entry.column, entry.path, node)})
