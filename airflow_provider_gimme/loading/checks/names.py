"""Names: of the workflow, its steps, its groups and its variables."""

from __future__ import annotations

from airflow_provider_gimme.config.scalars import DAG_ID, NAME
from airflow_provider_gimme.config.workflow import RESERVED_NAMES
from airflow_provider_gimme.expressions.reference import RESERVED_NAMES as SCOPE_NAMES
from airflow_provider_gimme.loading.excerpts import got
from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Scalar, Sequence
from airflow_provider_gimme.loading.report import Report

__all__ = ["check_names"]


def check_names(root: Mapping, report: Report) -> None:
    """Check that everything has a name, that each is the only one, and that none is kept for something else."""
    name = _named(root, report)
    if name is not None and root.text("id") is None and not DAG_ID.fullmatch(name.source):
        report.add(name, f"not a workflow's name{got(name)}. Use letters, digits, '_', '-' or '.', or add an 'id'.")
    groups = _groups(root)
    _check_groups(groups, report)
    _check_steps(root, groups, report)
    variables = root.get("variables")
    for variable, entry in variables.entries.items() if isinstance(variables, Mapping) else ():
        if variable in SCOPE_NAMES:
            report.add(entry, f"'{variable}' has a meaning in every expression. Give the variable another name.")


def _named(node: Mapping, report: Report) -> Scalar | None:
    """Return what names a map: its ``id``, else its ``name``; without one it is a problem."""
    for key in ("id", "name"):
        value = node.get(key)
        if value is not None and not (isinstance(value, Scalar) and value.value is None):
            return value if isinstance(value, Scalar) else None
    report.add(node, "'name' is missing. Write it.")
    return None


def _groups(root: Mapping) -> dict[str, Entry | Node]:
    groups: dict[str, Entry | Node] = {}
    written, steps = root.get("groups"), root.get("steps")
    if isinstance(written, Mapping):
        groups.update(written.entries)
    for step in steps.items if isinstance(steps, Sequence) else ():
        node = step.get("parallel_group") if isinstance(step, Mapping) else None
        if isinstance(node, Scalar) and node.value is not None:
            groups.setdefault(node.source, node)
    return groups


def _check_groups(groups: dict[str, Entry | Node], report: Report) -> None:
    for name, place in groups.items():
        if name in RESERVED_NAMES:
            report.add(place, _reserved("group", name))


def _reserved(what: str, name: str) -> str:
    return f"{what} '{name}' has the name of a task of our own. Reserved: {', '.join(sorted(RESERVED_NAMES))}."


def _check_steps(root: Mapping, groups: dict[str, Entry | Node], report: Report) -> None:
    steps = root.get("steps")
    seen: dict[str, int] = {}
    keys: dict[str, int] = {}
    for step in steps.items if isinstance(steps, Sequence) else ():
        _check_output_key(step, keys, report)
        name = _named(step, report) if isinstance(step, Mapping) else None
        if name is None or not isinstance(step, Mapping):
            continue
        text = name.source
        if step.text("id") is None and not NAME.fullmatch(text):
            report.add(name, f"not a step's name{got(name)}. Use letters, digits, '_' or '-', or add an 'id'.")
        if text in RESERVED_NAMES:
            report.add(name, _reserved("step", text))
        if text in groups:
            report.add(name, f"'{text}' is the name of a group too. Rename one of them.")
        if text in seen:
            report.add(name, f"step '{text}' is written twice (first in line {seen[text]}). Rename one of them.")
        seen.setdefault(text, name.line)


def _check_output_key(step: Node, seen: dict[str, int], report: Report) -> None:
    key = step.get("output_key") if isinstance(step, Mapping) else None
    if not isinstance(key, Scalar) or key.value is None:
        return
    if key.source in seen:
        report.add(key, f"output_key '{key.source}' is another step's (line {seen[key.source]}). Rename one of them.")
    seen.setdefault(key.source, key.line)
