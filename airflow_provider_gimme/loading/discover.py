"""Which files of a folder are workflows."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SUFFIXES", "is_workflow_file", "provider_files", "workflow_files"]

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""The endings of workflow files."""

_NOT_WORKFLOWS = frozenset({"schemas", "providers"})


def is_workflow_file(path: Path, folder: Path) -> bool:
    """Say whether a file below a folder is a workflow, by its name and the folders it is in.

    Names that begin with ``_`` or ``.``, and what is in ``schemas/`` or ``providers/``, are not.
    """
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(("_", ".")) for part in parts)
    return path.suffix.lower() in SUFFIXES and not hidden and _NOT_WORKFLOWS.isdisjoint(parts[:-1])


def workflow_files(folder: Path) -> list[Path]:
    """Return the workflow files below a folder, sorted by path.

    :raises OSError: where the folder cannot be read.
    """
    list(folder.iterdir())
    return sorted(path for path in folder.rglob("*") if is_workflow_file(path, folder) and path.is_file())


def provider_files(folder: Path) -> list[Path]:
    """Return the files of the folders ``providers`` below a folder, sorted by path; hidden ones are left out."""
    found = (path for path in folder.rglob("*") if path.parent.name == "providers" and path.is_relative_to(folder))
    return sorted(
        path
        for path in found
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts)
        and path.relative_to(folder) != Path(path.name)
        and path.is_file()
    )
