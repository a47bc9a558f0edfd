"""From the text of a file to its workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_gimme.config import STEP_LIMIT, Workflow
from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE, step_config
from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.checks import check_merged, check_written
from airflow_provider_gimme.loading.inherit import overlay, with_defaults
from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Path, Scalar, Sequence
from airflow_provider_gimme.loading.parse import parse
from airflow_provider_gimme.loading.partial import without_wrong_parts
from airflow_provider_gimme.loading.report import Report, child, format_path
from airflow_provider_gimme.loading.shape import known_keys
from airflow_provider_gimme.loading.source import read_source
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
        return Problem(self.file, line, column, format_path((*node.path, *rest), self._written), message, severity)

    def _position(self, node: Node, line_offset: int) -> tuple[int, int]:
        if not (isinstance(node, Scalar) and (node.block or line_offset)):
            return node.line, node.column
        line = node.line + line_offset + node.block
        lines = self.text.split("\n")
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


def _check_layers(root: Mapping, report: Report) -> None:
    """Check the values of ``defaults`` and groups, also where no step takes them."""
    defaults = root.get("defaults")
    layers = [layer for _, layer in root.maps("groups")] + ([defaults] if isinstance(defaults, Mapping) else [])
    known = known_keys(step_config(DEFAULT_STEP_TYPE)) - {"type", "id", "name"}
    name = Scalar(1, 1, (), "x", "x")
    for layer in layers:
        entries = {key: entry for key, entry in layer.entries.items() if key in known}
        step = layer.with_entries({**entries, "name": Entry(1, 1, (), name)})
        steps = Sequence(1, 1, ("steps",), [step])
        validate(Mapping(1, 1, (), {"steps": Entry(1, 1, (), steps)}), report)


def _check_other_environments(root: Mapping, chosen: str | None, report: Report) -> None:
    for name, _ in root.maps("environments"):
        if name != chosen:
            other = Report(report.file, root)
            validate(with_defaults(overlay(root, name, other), other), other)
            report.take(other, "environments")


def load_text(text: str | bytes, file: str, *, environment: str | None = None) -> Loaded:
    """Read a workflow from the text of a file; ``file`` names it in messages.

    ``environment`` picks an overlay of the file's ``environments``. Nothing is raised: a file with errors has them in
    ``problems``, and no workflow where the model cannot hold what was written.
    """
    report = Report(file)
    source = read_source(text, report)
    root = None if source is None else parse(source, report)
    if source is None or not isinstance(root, Mapping):
        if root is not None:
            report.add(root, "a workflow is a map. Write keys like 'name:' and 'steps:'.")
        return Loaded(file, source or "", None, report.problems)
    check_written(root, report)
    chosen = root if environment is None else overlay(root, environment, report)
    merged = with_defaults(chosen, report)
    workflow = None if _has_too_many(merged) else validate(merged, report)
    check_merged(merged, report)
    _check_layers(root, report)
    _check_other_environments(root, environment, report)
    partial = None if workflow is not None or _has_too_many(merged) else without_wrong_parts(merged)
    return Loaded(file, source, workflow, report.problems, partial, root, merged)
