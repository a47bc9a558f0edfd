"""Keep what a folder of workflows said: texts by content, versions as lists of them.

Airflow deletes version folders that it thinks nobody needs, so everything needed to write one again lives here::

    objects/ab/abcdef…      a text or a stub, named by its SHA-256
    versions/0123abcd…      a manifest, JSON: the paths of a version and the objects they hold
    state.json              what is in force now

Every write is atomic. What is read is checked against its name: a damaged object is an error, never another text.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_provider_gimme.errors import BundleError

__all__ = ["KEEP", "Store", "version_of", "write_atomically"]

KEEP = timedelta(days=90)
"""How long a version is kept after it was last in force."""

_CLEAN_EVERY = timedelta(days=1)
_FORMAT = 2
_NAME = re.compile(r"[0-9a-f]{64}")


def write_atomically(path: Path, data: bytes, modified: float | None = None) -> None:
    """Write a file that others see either as it was or whole; makes its folder. ``modified`` is its time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}~")
    temporary.write_bytes(data)
    if modified is not None:
        os.utime(temporary, (modified, modified))
    temporary.replace(path)


def version_of(files: Mapping[str, bytes]) -> str:
    """Return the name of a version, path to content: equal content has equal names, everywhere."""
    return _digest(_manifest(files))


class Store:
    """The texts and versions of one bundle, under ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> str:
        """Keep ``data`` and return its name, the SHA-256."""
        digest = _digest(data)
        self._keep(self._object(digest), data)
        return digest

    def get(self, digest: str) -> bytes:
        """Return what was kept under ``digest``; BundleError where it is gone or damaged."""
        path = self._object(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BundleError(f"'{path}' cannot be read: {error.strerror}.") from error
        if _digest(data) != digest:
            raise BundleError(f"'{path}' is damaged: its content is not that of its name.")
        return data

    def put_version(self, files: Mapping[str, bytes]) -> str:
        """Keep a version, path to content, and return its name; see `version_of`."""
        for data in files.values():
            self.put(data)
        manifest = _manifest(files)
        version = _digest(manifest)
        self._keep(self._version(version), manifest)
        return version

    def paths(self, version: str) -> Mapping[str, str]:
        """Return the paths of a version and the objects they hold; BundleError where it is not kept, or damaged."""
        path = self._version(version)
        if not _NAME.fullmatch(version) or not path.is_file():
            raise BundleError(
                f"version '{version}' of the workflows is not in '{self.root}'. It is kept for {KEEP.days} days. "
                "A worker on another host than the Dag processor needs the same `store`, on storage that both can read."
            )
        manifest = path.read_bytes()
        if _digest(manifest) != version:
            raise BundleError(f"'{path}' is damaged: its content is not that of its name.")
        files: Mapping[str, str] = json.loads(manifest)["files"]
        return files

    def read_state(self) -> Mapping[str, Any]:
        """Return what ``write_state`` was given last; empty at first."""
        path = self.root / "state.json"
        if not path.is_file():
            return {}
        try:
            state: Mapping[str, Any] = json.loads(path.read_bytes())
        except ValueError as error:
            raise BundleError(f"'{path}' is damaged: {error}. Delete it to start from the files alone.") from error
        return state if state.get("format") == _FORMAT else {}

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Keep what is in force now."""
        write_atomically(self.root / "state.json", _dump({"format": _FORMAT, **state}))

    def clean(self, in_force: str, texts: Iterable[str], now: float) -> None:
        """Delete, once a day, what was not in force for `KEEP`.

        The version ``in_force`` and the ``texts`` it was made of are marked as used at ``now``.
        """
        mark = self.root / "cleaned"
        if mark.is_file() and now - mark.stat().st_mtime < _CLEAN_EVERY.total_seconds():
            return
        mark.touch()
        used = [self._version(in_force), *map(self._object, self.paths(in_force).values())]
        used += [self._object(_digest(text.encode())) for text in texts]
        for path in (mark, *used):
            os.utime(path, (now, now))
        for path in [*self.root.glob("versions/*"), *self.root.glob("objects/*/*")]:
            if path.stat().st_mtime < now - KEEP.total_seconds():
                path.unlink()

    @staticmethod
    def _keep(path: Path, data: bytes) -> None:
        """Write a file, or mark it as used where it says ``data`` already."""
        if path.is_file() and path.read_bytes() == data:
            path.touch()
        else:
            write_atomically(path, data)

    def _object(self, digest: str) -> Path:
        return self.root / "objects" / digest[:2] / digest

    def _version(self, version: str) -> Path:
        return self.root / "versions" / version


def _manifest(files: Mapping[str, bytes]) -> bytes:
    return _dump({"format": _FORMAT, "files": {path: _digest(data) for path, data in files.items()}})


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
