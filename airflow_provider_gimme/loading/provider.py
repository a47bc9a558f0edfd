"""From the text of a file of ``providers/`` to its bindings."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_gimme.config.provider import ProviderFile
from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.checks.keys import check_exclusive
from airflow_provider_gimme.loading.nodes import Mapping, Node, Path
from airflow_provider_gimme.loading.parse import parse
from airflow_provider_gimme.loading.report import Report, child
from airflow_provider_gimme.loading.shape import Shape
from airflow_provider_gimme.loading.source import read_source
from airflow_provider_gimme.loading.validate import validate_as
from airflow_provider_gimme.loading.walk import walk

__all__ = ["LoadedProvider", "load_provider"]


@dataclass(frozen=True)
class LoadedProvider:
    """What a file of ``providers/`` says: its bindings where it can be read, and every problem found so far."""

    config: ProviderFile | None
    report: Report
    _root: Node | None = field(default=None, repr=False)

    def tell(self, path: Path, message: str) -> None:
        """Add a problem at a place of the file."""
        node = self._at(path)
        if node is not None:
            self.report.add(node, message)

    def place(self, *path: str | int) -> tuple[int, int]:
        """Return line and column of what is written at a place."""
        node = self._at(path)
        return (1, 1) if node is None else (node.line, node.column)

    def _at(self, path: Path) -> Node | None:
        """Return what is written at a place, or the nearest around it."""
        node = self._root
        for part in path:
            below = child(node, part)
            if below is None:
                break
            node = below
        return node

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems so far."""
        return self.report.problems


def load_provider(text: str | bytes, file: str) -> LoadedProvider:
    """Read a file of ``providers/``; nothing is raised, problems are in the result."""
    report = Report(file)
    source = read_source(text, report)
    root = None if source is None else parse(source, report, wanted="'provider' and 'workflows'")
    if not isinstance(root, Mapping):
        if root is not None:
            report.add(root, "a file of 'providers' is a map. Write keys like 'provider:' and 'workflows:'.")
        return LoadedProvider(None, report)
    report.root = root
    for visit in walk(root, Shape(models=(ProviderFile,))):
        check_exclusive(visit, report)
    config = validate_as(ProviderFile, root, report, noun="a file of 'providers'")
    return LoadedProvider(None if report.failed else config, report, root)
