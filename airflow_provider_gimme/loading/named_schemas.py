"""The schemas that a workflow names: ``input_schema_id`` and ``output_schema_id``."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.checks.inputs import inputs_nobody_gives, is_scheduled
from airflow_provider_gimme.loading.nodes import Mapping, Scalar, plain
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.schema import LoadedSchema, load_schema
from airflow_provider_gimme.loading.surroundings import NearFile

__all__ = ["NamedSchemas", "find_schemas"]

_SHOWN = 10


@dataclass
class NamedSchemas:
    """The definitions that a workflow names, as plain data, and the files that they are in."""

    inputs: AnyMapping[str, Any] | None = None
    outputs: AnyMapping[str, Any] | None = None
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """Those of the files of the schemas."""


def find_schemas(root: Mapping, near: AnySequence[NearFile], report: Report) -> NamedSchemas:
    """Find the schemas that a document names among the files ``near`` it.

    What is wrong with the document goes into ``report``, what is wrong with a schema's file into the result.
    """
    found = NamedSchemas()
    schema = _named("input_schema_id", root, near, report, found)
    if schema is not None and schema.definition is not None:
        _check_inputs(schema.definition, root, report)
        found.inputs = plain(schema.definition)
    schema = _named("output_schema_id", root, near, report, found)
    if schema is not None and schema.definition is not None:
        found.outputs = plain(schema.definition)
    return found


def _named(
    key: str, root: Mapping, near: AnySequence[NearFile], report: Report, found: NamedSchemas
) -> LoadedSchema | None:
    """Return the one schema that a key of the document names."""
    node = root.get(key)
    if not isinstance(node, Scalar) or node.value is None:
        return None
    wanted, _, version = node.source.partition("@")
    known = [load_schema(file) for file in near]
    named = [schema for schema in known if schema.id == wanted and version in ("", schema.version or "")]
    if len(named) != 1:
        report.add(node, _several(wanted, named) if named else _unknown(node.source, known))
        unread = [] if named else [schema for schema in known if schema.id is None]
        found.problems += [problem for schema in unread for problem in schema.problems]
        return None
    found.files += [named[0].file] if named[0].file not in found.files else []
    found.problems += named[0].problems
    return None if named[0].failed else named[0]


def _several(wanted: str, named: list[LoadedSchema]) -> str:
    versions = sorted({schema.version or "" for schema in named})
    if len(versions) == len(named) and all(versions):
        there = ", ".join(versions)
        return f"schema '{wanted}' has several versions: {there}. Write which one, as '{wanted}@{versions[-1]}'."
    files = ", ".join(f"'{schema.file}'" for schema in named)
    return f"schema '{wanted}' is in several files: {files}. Give each another 'id' or 'version'."


def _unknown(wanted: str, known: list[LoadedSchema]) -> str:
    """Say that no schema has a name, and what is near."""
    if not known:
        return (
            f"no schema is called '{wanted}': there is no file in a folder 'schemas' beside this file or above it. "
            "Write one, with 'id' and 'definition'."
        )
    name = wanted.partition("@")[0]
    versions = sorted(schema.version or "none" for schema in known if schema.id == name)
    if versions:
        return f"schema '{name}' has no version '{wanted.partition('@')[2]}'. Versions: {', '.join(versions)}."
    ids = sorted({schema.id for schema in known if schema.id is not None})
    unread = sum(schema.id is None for schema in known)
    more = ", …" if len(ids) > _SHOWN else ""
    there = f" Schemas: {', '.join(ids[:_SHOWN])}{more}." if ids else ""
    broken = f" {unread} {'file' if unread == 1 else 'files'} of 'schemas' cannot be read." if unread else ""
    return f"no schema is called '{wanted}'.{did_you_mean(name, ids) or there}{broken}"


def _check_inputs(definition: Mapping, root: Mapping, report: Report) -> None:
    """Check that a schema is one of a run's inputs, and that a scheduled run can do without those nobody gives."""
    node = root.get("input_schema_id")
    if node is None:
        return
    kind = definition.text("type") or "object"
    if kind != "object":
        report.add(node, f"a run's inputs are an object, and this schema is one of type {kind}. Name another one.")
    if is_scheduled(root):
        for name, _ in inputs_nobody_gives(definition):
            report.add(
                node,
                f"its input '{name}' is required, but a scheduled run is given none. Write a 'default' for it there.",
            )
