"""The inputs of a run: their schema, and whether a scheduled run can do without those nobody gives it."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_gimme.loading.checks.json_schema import KEYWORDS, check_schema
from airflow_provider_gimme.loading.nodes import Mapping, Node, Scalar, Sequence
from airflow_provider_gimme.loading.report import Report

__all__ = ["check_inputs", "inputs_nobody_gives", "is_scheduled"]


def check_inputs(root: Mapping, report: Report) -> None:
    """Check ``inputs``, and that a scheduled run can do without the inputs nobody gives it."""
    schema = root.get("inputs")
    if not isinstance(schema, Mapping):
        return
    if schema.entries and KEYWORDS.isdisjoint(schema.entries):
        report.add(schema, "no JSON Schema: none of its keys is a keyword. Write the inputs under 'properties'.")
        return
    if (schema.text("type") or "object") != "object":
        report.add(schema, "a run's inputs are an object. Write 'type: object', and the inputs under 'properties'.")
    check_schema(schema, "'inputs'", report)
    for name, item in inputs_nobody_gives(schema) if is_scheduled(root) else ():
        report.add(item, f"input '{name}' is required, but a scheduled run is given none. Write a 'default' for it.")


def is_scheduled(root: Mapping) -> bool:
    """Say whether a document has a schedule."""
    return root.text("schedule") is not None or isinstance(root.get("schedule"), Mapping)


def inputs_nobody_gives(schema: Mapping) -> Iterator[tuple[str, Node]]:
    """Yield the required inputs without default, with the place where they are required."""
    required, properties = schema.get("required"), schema.get("properties")
    for item in required.items if isinstance(required, Sequence) else ():
        name = item.value if isinstance(item, Scalar) else None
        known = properties.get(name) if isinstance(properties, Mapping) and isinstance(name, str) else None
        if isinstance(name, str) and not (isinstance(known, Mapping) and "default" in known.entries):
            yield name, item
