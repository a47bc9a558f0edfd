"""Keys that exclude each other, keys of ``defaults`` and groups, and the number of steps."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_gimme.config.workflow import STEP_LIMIT, Workflow
from airflow_provider_gimme.loading.inherit import GROUP_KEYS
from airflow_provider_gimme.loading.nodes import Mapping, Sequence
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.shape import step_keys
from airflow_provider_gimme.loading.walk import Visit
from airflow_provider_gimme.loading.wording import unknown_key

__all__ = ["check_exclusive", "check_keys"]

_NAMING = frozenset({"id", "name"})


def check_keys(visits: Iterable[Visit], report: Report) -> None:
    """Check the keys of every map that has a model."""
    for visit in visits:
        check_exclusive(visit, report)
        if visit.model is Workflow:
            _check_layers(visit, report)


def check_exclusive(visit: Visit, report: Report) -> None:
    """Check that a map has at most one of the keys that exclude each other."""
    node = visit.node
    if visit.own_model is None or not isinstance(node, Mapping):
        return
    for keys in visit.own_model.exclusive:
        present = [key for key in node.entries if key in keys]
        for key in present[1:]:
            report.add(node.entries[key], f"'{present[0]}' and '{key}' exclude each other. Remove one.")


def _check_layers(visit: Visit, report: Report) -> None:
    key, node = visit.path[-1], visit.node
    if key == "steps" and isinstance(node, Sequence) and len(node.items) > STEP_LIMIT:
        report.add(node, f"{len(node.items):,} steps. A workflow has at most {STEP_LIMIT:,}; split it.")
    if key == "environments" and len(visit.path) > 1 and visit.entry is not None:
        report.add(visit.entry, "an environment has no environments of its own. Remove the key.")
    if key == "defaults" and isinstance(node, Mapping):
        _check_layer(node, step_keys(), "'defaults'", report)
    if key == "groups" and isinstance(node, Mapping):
        for name, group in _groups(node):
            _check_layer(group, step_keys() - {"parallel_group"} | GROUP_KEYS, f"group '{name}'", report)


def _groups(groups: Mapping) -> list[tuple[str, Mapping]]:
    return [(name, entry.node) for name, entry in groups.entries.items() if isinstance(entry.node, Mapping)]


def _check_layer(layer: Mapping, known: frozenset[str], where: str, report: Report) -> None:
    for key, entry in layer.entries.items():
        if key in _NAMING:
            report.add(entry, f"'{key}' is each step's own. Write it in the step.")
        elif key not in known:
            report.add(entry, unknown_key(key, known - _NAMING, where))
