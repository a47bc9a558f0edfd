"""Write the folder that Airflow reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from airflow_provider_gimme.bundles.store import write_atomically

__all__ = ["has_exactly", "remove_old", "write_tree"]


def write_tree(root: Path, files: Mapping[str, bytes], now: float) -> None:
    """Make ``root`` hold exactly ``files``, each written atomically; files that have not changed are not touched.

    A changed file's time is ``now``, so that Airflow parses it at once, but at least one second later than it was:
    Python recognises its compiled form by size and whole seconds.
    """
    root.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        target = root / path
        earlier = target.stat().st_mtime if target.is_file() else 0.0
        if earlier and target.read_bytes() == data:
            continue
        write_atomically(target, data, modified=max(now, earlier + 1))
    for path in set(_paths(root)) - files.keys():
        (root / path).unlink()


def has_exactly(root: Path, paths: Iterable[str]) -> bool:
    """Tell whether ``root`` holds files of exactly these paths."""
    return root.is_dir() and set(_paths(root)) == set(paths)


def remove_old(root: Path, before: float) -> None:
    """Delete the folders in ``root`` that were last changed before that moment, in seconds since 1970."""
    for folder in root.glob("*/"):
        if folder.stat().st_mtime < before:
            shutil.rmtree(folder)


def _paths(root: Path) -> Iterator[str]:
    """List the files under ``root``, but for Python's compiled ones."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        inside = folder[len(str(root)) + 1 :].replace(os.sep, "/")
        yield from (f"{inside}/{name}" if inside else name for name in names)
