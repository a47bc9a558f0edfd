"""Read a folder of workflow files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from airflow_provider_gimme.errors import BundleError, Problem, WorkflowError
from airflow_provider_gimme.loading import load_text
from airflow_provider_gimme.loading.discover import provider_files, workflow_files
from airflow_provider_gimme.loading.source import MAX_FILE_BYTES
from airflow_provider_gimme.loading.surroundings import Surroundings, look_into

__all__ = ["SourceFile", "read_folder", "read_providers", "read_source"]

_NAME_BYTES = 200
"""The longest file name, in bytes: the stub's is longer, and file systems end at 255."""


@dataclass(frozen=True)
class SourceFile:
    """A workflow file as it was read."""

    path: str
    """Where it is, relative to the folder, with ``/``."""
    text: str
    """What it says; empty where it cannot be read."""
    surroundings: Surroundings = field(default_factory=Surroundings)
    """The files around it that may shape it: the nearest ``_defaults`` and ``schemas/``."""
    problems: tuple[Problem, ...] = ()
    """Why it cannot be read."""

    def read(self) -> str:
        """Return the text; WorkflowError where it cannot be read."""
        if self.problems:
            raise WorkflowError(self.problems)
        return self.text


def read_folder(root: Path, hint: str = "") -> tuple[SourceFile, ...]:
    """Read all workflow files under ``root``, in the order of their paths.

    Raises BundleError where a folder cannot be read, with ``hint``; a file that cannot be read carries a problem.
    """
    try:
        around = _surroundings(root)
        return tuple(read_source(path, root, around.get(path.parent)) for path in workflow_files(root))
    except OSError as error:
        message = f"the workflow folder '{error.filename or root}' cannot be read: {error.strerror}. {hint}".rstrip()
        raise BundleError(message) from None


def read_providers(root: Path) -> tuple[SourceFile, ...]:
    """Read all files of folders ``providers`` under ``root``; one that cannot be read carries a problem."""
    return tuple(read_source(path, root) for path in provider_files(root))


def read_source(path: Path, root: Path, surroundings: Surroundings | None = None) -> SourceFile:
    """Read one workflow file under ``root``."""
    relative = path.relative_to(root).as_posix()
    shown = _shown(relative)
    text, problems = "", _oddities(path, relative, shown)
    try:
        text = "" if problems else path.read_bytes().decode()
    except OSError as error:
        problems = _problem(shown, f"{error.strerror}.")
    except UnicodeDecodeError:
        problems = load_text(path.read_bytes(), shown).problems
    return SourceFile(shown, text, surroundings or Surroundings(), tuple(problems))


def _oddities(path: Path, relative: str, shown: str) -> tuple[Problem, ...]:
    """Return why a file should not even be opened."""
    if relative != shown:
        return _problem(shown, "its name is too long or not printable. Rename it.")
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        return _problem(shown, f"it has {size:,} bytes; the limit is {MAX_FILE_BYTES:,}. Split the workflow.")
    return ()


def _problem(file: str, reason: str) -> tuple[Problem, ...]:
    return (Problem(file, 1, 1, "", f"the file cannot be read: {reason}"),)


def _surroundings(root: Path) -> dict[Path, Surroundings]:
    """Read what is around the files of each folder: ``_defaults`` and ``schemas/`` in it, or the nearest above it.

    Raises OSError where any folder cannot be read: its Dags must not look as if they were removed.
    """
    around: dict[Path, Surroundings] = {}
    for name, _, _ in os.walk(root, onerror=_raise):
        folder = Path(name)
        own = look_into(folder, lambda path: _shown(path.relative_to(root).as_posix()))
        above = around.get(folder.parent, Surroundings())
        around[folder] = own.below(above) if own.files else above
    return around


def _raise(error: OSError) -> None:
    raise error


def _shown(relative: str) -> str:
    """Write a path so that Airflow and its database can keep it; usual paths stay as they are."""
    if relative.isprintable() and len(os.fsencode(Path(relative).name)) <= _NAME_BYTES:
        return relative
    digest = hashlib.sha256(os.fsencode(relative)).hexdigest()[:8]
    return quote(os.fsencode(relative), safe="/ ")[:_NAME_BYTES].rstrip("/ ") + f"~{digest}{Path(relative).suffix}"
