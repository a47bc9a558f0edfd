"""Which names a workflow may read as ``${NAME}``: the setting ``[gimme] secrets_allow``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePath

from airflow_provider_gimme.errors import SecretError

__all__ = ["check_readable", "read_allowed"]

_ALL = ("*",)


def check_readable(name: str, allowed: tuple[str, ...]) -> None:
    """Refuse a name that no workflow may read, or that ``allowed`` (patterns with ``*`` and ``?``) leaves out.

    :raises SecretError: naming the name and the way out.
    """
    if name.startswith("_") or name.upper().startswith("AIRFLOW_"):
        raise SecretError(
            f"${{{name}}} may not be read: names with 'AIRFLOW_' or '_' in front are Airflow's own. Use another name.",
            name=name,
        )
    if not any(fnmatchcase(name, pattern) for pattern in allowed):
        raise SecretError(
            f"${{{name}}} may not be read by this workflow. An administrator can allow it in [gimme] secrets_allow "
            f"(now: {', '.join(allowed) or 'nothing'}).",
            name=name,
        )


def read_allowed(setting: str, file: str) -> tuple[str, ...]:
    """Return the patterns that hold for a workflow's file.

    ``setting`` is a list of patterns separated by commas, or a JSON object from folder to such lists, of which the one
    of the nearest folder above the file counts; without one nothing may be read.

    :raises SecretError: where the setting is neither.
    """
    text = setting.strip()
    if not text.startswith("{"):
        return _patterns(text) or _ALL
    try:
        folders = json.loads(text)
    except ValueError:
        folders = None
    if not isinstance(folders, dict) or not all(isinstance(value, str | list) for value in folders.values()):
        raise SecretError("[gimme] secrets_allow is not a JSON object from folder to patterns. Correct it.", name="")
    return _nearest(folders, PurePath(file))


def _nearest(folders: Mapping[str, str | list[str]], file: PurePath) -> tuple[str, ...]:
    """Return the patterns of the nearest folder, by its whole path: whoever writes a folder may name folders in it."""
    by_folder = {PurePath(folder): patterns for folder, patterns in folders.items()}
    return next((_patterns(by_folder[parent]) for parent in file.parents if parent in by_folder), ())


def _patterns(written: str | list[str]) -> tuple[str, ...]:
    each = written.split(",") if isinstance(written, str) else [str(pattern) for pattern in written]
    return tuple(pattern.strip() for pattern in each if pattern.strip())
