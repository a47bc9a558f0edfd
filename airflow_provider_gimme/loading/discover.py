"""Which files of a folder are workflows, and which belong to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from airflow_provider_gimme.loading.surroundings import DEFAULTS, SCHEMAS, SUFFIXES

__all__ = [
    "defaults_files",
    "is_defaults_file",
    "is_workflow_file",
    "provider_files",
    "schema_files",
    "workflow_files",
]

_PROVIDERS = "providers"
_NOT_WORKFLOWS = frozenset({SCHEMAS, _PROVIDERS})


def is_workflow_file(path: Path, folder: Path) -> bool:
    """Say whether a file below a folder is a workflow, by its name and the folders it is in.

    Names that begin with ``_`` or ``.``, and what is in ``schemas/`` or ``providers/``, are not.
    """
    parts = path.relative_to(folder).parts
    return path.suffix.lower() in SUFFIXES and not _hidden(parts) and _NOT_WORKFLOWS.isdisjoint(parts[:-1])


def is_defaults_file(path: Path) -> bool:
    """Say whether a file is the ``_defaults`` of its folder, by its name."""
    return path.stem == DEFAULTS and path.suffix in SUFFIXES


def workflow_files(folder: Path) -> list[Path]:
    """Return the workflow files below a folder, sorted by path.

    :raises OSError: where the folder cannot be read.
    """
    list(folder.iterdir())
    return _below(folder, lambda path: is_workflow_file(path, folder))


def provider_files(folder: Path) -> list[Path]:
    """Return the files of the folders ``providers`` below a folder, sorted by path; hidden ones are left out."""
    return _below(folder, lambda path: _lies_in(_PROVIDERS, path, folder))


def schema_files(folder: Path) -> list[Path]:
    """Return the files of the folders ``schemas`` below a folder, sorted by path; hidden ones are left out."""
    return _below(folder, lambda path: _lies_in(SCHEMAS, path, folder))


def defaults_files(folder: Path) -> list[Path]:
    """Return the files ``_defaults`` in a folder and below it, sorted by path."""
    return _below(folder, lambda path: is_defaults_file(path) and not _hidden(path.relative_to(folder).parts[:-1]))


def _below(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if wanted(path) and path.is_file())


def _lies_in(name: str, path: Path, folder: Path) -> bool:
    """Say whether a path lies directly in a folder of that name which lies below ``folder``."""
    parts = path.relative_to(folder).parts
    return len(parts) > 1 and parts[-2] == name and path.suffix.lower() in SUFFIXES and not _hidden(parts)


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(("_", ".")) for part in parts)
