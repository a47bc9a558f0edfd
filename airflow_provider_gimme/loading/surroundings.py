"""The files around a workflow that shape it: the nearest ``_defaults``, and those of the nearest folder ``schemas``.

Both are looked for beside the file, then in one folder above after the other. What is found is kept as texts, so that a
workflow can be read again as it was when these files are no longer there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.source import MAX_FILE_BYTES

__all__ = [
    "DEFAULTS",
    "SCHEMAS",
    "SUFFIXES",
    "NearFile",
    "Surroundings",
    "look_into",
    "read_near_files",
    "read_surroundings",
]

SUFFIXES = (".yaml", ".yml", ".json")
"""The endings of workflow files, and of those around them."""

DEFAULTS = "_defaults"
"""The name, without ending, of the file with the defaults of a folder."""

SCHEMAS = "schemas"
"""The name of the folder with schemas."""


@dataclass(frozen=True)
class NearFile:
    """A file around a workflow, as it was read."""

    file: str
    """Its name in messages."""
    text: str | bytes = ""
    fault: str = ""
    """Why it cannot be read."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """That it cannot be read, where it cannot."""
        return (Problem(self.file, 1, 1, "", f"the file cannot be read: {self.fault}"),) if self.fault else ()


@dataclass(frozen=True)
class Surroundings:
    """The files around a workflow."""

    defaults: tuple[NearFile, ...] = ()
    """Those named ``_defaults`` in the nearest folder that has any; more than one is a problem."""
    schemas: tuple[NearFile, ...] = ()
    """Those of the nearest folder ``schemas``."""

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Surroundings:
        """Return the surroundings that consist of some texts, by file."""
        files = [NearFile(file, text) for file, text in texts.items()]
        split = {near: PurePosixPath(near.file).stem == DEFAULTS for near in files}
        return cls(
            tuple(near for near in files if split[near]),
            tuple(near for near in files if not split[near]),
        )

    @property
    def files(self) -> tuple[NearFile, ...]:
        """All of them."""
        return (*self.defaults, *self.schemas)

    @cached_property
    def digest(self) -> str:
        """A hash of their names and texts; hexadecimal, 64 characters."""
        digest = hashlib.sha256()
        for near in self.files:
            data = near.text.encode(errors="surrogatepass") if isinstance(near.text, str) else near.text
            digest.update(f"{near.file!a} {near.fault!a} {len(data)} ".encode() + data)
        return digest.hexdigest()

    def texts(self, files: Collection[str]) -> dict[str, str]:
        """Return the texts of some of the files, by file; these are UTF-8."""
        return {
            near.file: near.text if isinstance(near.text, str) else near.text.decode()
            for near in self.files
            if near.file in files
        }

    def below(self, above: Surroundings) -> Surroundings:
        """Return these, and what a folder above has where these have none."""
        return Surroundings(self.defaults or above.defaults, self.schemas or above.schemas)


def read_surroundings(path: Path) -> Surroundings:
    """Read what is around a file: beside it and in all folders above it, up to the first that have it.

    :raises OSError: where a folder of schemas cannot be read.
    """
    folders, found = list(_upwards(path.parent)), Surroundings()
    for folder in folders:
        if found.defaults and found.schemas:
            break
        found = found.below(look_into(folder))
    return found


def look_into(folder: Path, shown: Callable[[Path], str] = str) -> Surroundings:
    """Read what one folder has itself; ``shown`` gives the name of a file.

    :raises OSError: where its folder of schemas cannot be read.
    """
    named = [folder / f"{DEFAULTS}{suffix}" for suffix in SUFFIXES]
    below = folder / SCHEMAS
    schemas = sorted(below.iterdir()) if below.is_dir() else []
    usual = [path for path in schemas if path.suffix.lower() in SUFFIXES and not path.name.startswith(("_", "."))]
    return Surroundings(tuple(read_near_files(named, shown)), tuple(read_near_files(usual, shown)))


def read_near_files(paths: Iterable[Path], shown: Callable[[Path], str] = str) -> Iterator[NearFile]:
    """Read the files among some paths; one that cannot be read says why."""
    for path in paths:
        try:
            if not path.is_file():
                continue
            size = path.stat().st_size
            if size > MAX_FILE_BYTES:
                yield NearFile(shown(path), fault=f"it has {size:,} bytes; the limit is {MAX_FILE_BYTES:,}. Split it.")
            else:
                yield NearFile(shown(path), path.read_bytes())
        except OSError as error:
            yield NearFile(shown(path), fault=f"{error.strerror}.")


def _upwards(folder: Path) -> Iterator[Path]:
    """Yield a folder and all above it, each written as the first one is: absolute, or relative to where we are."""
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - `resolve` would follow links away from what is around it
    for each in (whole, *whole.parents):
        yield each if folder.is_absolute() else Path(os.path.relpath(each))
