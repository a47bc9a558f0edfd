"""From the text of a file of ``schemas/`` to its schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from airflow_provider_gimme.config.schema import SchemaFile
from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.checks.json_schema import KEYWORDS, check_schema
from airflow_provider_gimme.loading.nodes import Mapping
from airflow_provider_gimme.loading.parse import parse
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.source import read_source
from airflow_provider_gimme.loading.surroundings import NearFile
from airflow_provider_gimme.loading.validate import validate_as

__all__ = ["LoadedSchema", "load_schema"]


@dataclass(frozen=True)
class LoadedSchema:
    """What a file of ``schemas/`` says, and every problem of it."""

    file: str
    problems: tuple[Problem, ...]
    id: str | None = None
    """What it is called; None where that cannot be read."""
    version: str | None = None
    definition: Mapping | None = field(default=None, repr=False)

    @property
    def failed(self) -> bool:
        """Whether it cannot be used."""
        return any(problem.severity == "error" for problem in self.problems)


@lru_cache(maxsize=1024)
def load_schema(near: NearFile) -> LoadedSchema:
    """Read a file of ``schemas/``; remembered, because each workflow that names a schema looks at all of them."""
    if near.fault:
        return LoadedSchema(near.file, near.problems)
    report = Report(near.file)
    text = read_source(near.text, report)
    root = None if text is None else parse(text, report, wanted="'id' and 'definition'")
    if not isinstance(root, Mapping):
        if root is not None:
            report.add(root, "a file of 'schemas' is a map. Write keys like 'id:' and 'definition:'.")
        return LoadedSchema(near.file, report.problems)
    report.root = root
    validate_as(SchemaFile, root, report, noun="a file of 'schemas'")
    definition = root.get("definition")
    if isinstance(definition, Mapping):
        _check(definition, report)
    named = root.text("id"), root.text("version")
    return LoadedSchema(near.file, report.problems, *named, definition if isinstance(definition, Mapping) else None)


def _check(definition: Mapping, report: Report) -> None:
    if definition.entries and KEYWORDS.isdisjoint(definition.entries):
        report.add(definition, "no JSON Schema: none of its keys is a keyword. Write 'type', or 'properties'.")
    else:
        check_schema(definition, "the definition", report)
