"""From the text of a file to its workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_gimme.config import STEP_LIMIT, Workflow
from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.checks import check_merged, check_written
from airflow_provider_gimme.loading.defaults import FolderDefaults, check_layers, load_defaults
from airflow_provider_gimme.loading.inherit import overlay, with_defaults
from airflow_provider_gimme.loading.named_schemas import NamedSchemas, find_schemas
from airflow_provider_gimme.loading.nodes import Mapping, Node, Path, Scalar, Sequence, split_path
from airflow_provider_gimme.loading.parse import parse
from airflow_provider_gimme.loading.partial import without_wrong_parts
from airflow_provider_gimme.loading.report import Report, child, format_path
from airflow_provider_gimme.loading.source import read_source
from airflow_provider_gimme.loading.surroundings import Surroundings
from airflow_provider_gimme.loading.validate import validate

__all__ = ["Loaded", "load_text"]


@dataclass(frozen=True)
class Loaded:
    """What a file says: the workflow where it is one, and every problem found so far."""

    file: str
    text: str
    workflow: Workflow | None
    problems: tuple[Problem, ...]
    partial: Workflow | None = None
    """Where ``workflow`` is None because some parts are wrong: the workflow without these."""
    schemas: NamedSchemas = field(default_factory=NamedSchemas)
    """The schemas that it names."""
    defaults: FolderDefaults = field(default_factory=FolderDefaults)
    """The defaults of its folder."""
    _written: Node | None = field(default=None, repr=False)
    _merged: Node | None = field(default=None, repr=False)

    def at(
        self,
        path: Path,
        message: str,
        *,
        line_offset: int = 0,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Return a problem at a place of the workflow, which may have been written elsewhere (in ``defaults``).

        ``line_offset`` counts the lines within a text. A path that is not in the file stands for the nearest map or
        list around it.
        """
        node, rest = _nearest(self._merged, path)
        if node is None:
            return Problem(self.file, 1, 1, format_path(path, None), message, severity)
        line, column = self._position(node, line_offset)
        file, inside = split_path((*node.path, *rest), self.file)
        return Problem(file, line, column, format_path(inside, self._written), message, severity)

    @property
    def around(self) -> tuple[str, ...]:
        """The files around it that shape it."""
        return (*([self.defaults.file] if self.defaults.file else []), *self.schemas.files)

    def _position(self, node: Node, line_offset: int) -> tuple[int, int]:
        if not (isinstance(node, Scalar) and (node.block or line_offset)):
            return node.line, node.column
        line = node.line + line_offset + node.block
        text = self.text if split_path(node.path, self.file)[0] == self.file else self.defaults.text
        lines = text.split("\n")
        written = lines[line - 1] if line <= len(lines) else ""
        return line, len(written) - len(written.lstrip()) + 1


def _nearest(root: Node | None, path: Path) -> tuple[Node | None, Path]:
    node = root
    for index, part in enumerate(path):
        below = child(node, part)
        if below is None:
            return node, path[index:]
        node = below
    return node, ()


def _has_too_many(root: Mapping) -> bool:
    steps = root.get("steps")
    return isinstance(steps, Sequence) and len(steps.items) > STEP_LIMIT


def _check_other_environments(
    root: Mapping, chosen: str | None, surroundings: Surroundings, folder: Mapping | None, report: Report
) -> None:
    for name, _ in root.maps("environments"):
        if name != chosen:
            other = Report(report.file, root)
            merged = with_defaults(overlay(root, name, other), other, folder)
            validate(merged, other)
            find_schemas(merged, surroundings.schemas, other)
            report.take(other, "environments")


def load_text(
    text: str | bytes, file: str, *, environment: str | None = None, surroundings: Surroundings | None = None
) -> Loaded:
    """Read a workflow from the text of a file; ``file`` names it in messages.

    ``environment`` picks an overlay of the file's ``environments``; ``surroundings`` are the files around it. Nothing
    is raised: a file with errors has them in ``problems``, and no workflow where the model cannot hold what it says.
    """
    report = Report(file)
    source = read_source(text, report)
    root = None if source is None else parse(source, report)
    if source is None or not isinstance(root, Mapping):
        if root is not None:
            report.add(root, "a workflow is a map. Write keys like 'name:' and 'steps:'.")
        return Loaded(file, source or "", None, report.problems)
    return _load(source, root, environment, surroundings or Surroundings(), report)


def _load(source: str, root: Mapping, environment: str | None, surroundings: Surroundings, report: Report) -> Loaded:
    """Read a workflow from the document of a text."""
    check_written(root, report)
    defaults = load_defaults(surroundings.defaults)
    report.hide_like(defaults.report)
    chosen = root if environment is None else overlay(root, environment, report)
    merged = with_defaults(chosen, report, defaults.node)
    workflow = None if _has_too_many(merged) else validate(merged, report)
    check_merged(merged, report)
    schemas = find_schemas(merged, surroundings.schemas, report)
    check_layers(root, report)
    _check_other_environments(root, environment, surroundings, defaults.node, report)
    partial = None if workflow is not None or _has_too_many(merged) else without_wrong_parts(merged)
    problems = tuple(sorted({*report.problems, *defaults.problems, *schemas.problems}))
    return Loaded(report.file, source, workflow, problems, partial, schemas, defaults, root, merged)
