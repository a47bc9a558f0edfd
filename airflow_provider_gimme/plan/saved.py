"""References to saved files, as plain data: what they look like, and which paths they may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from airflow_provider_gimme.errors import ExpressionError

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context

__all__ = ["check_saved_path", "is_saved", "make_saved", "plan_save_to", "saved_name"]

_TYPE = "saved"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 1024
_LONGEST_SEGMENT_BYTES = 200


def is_saved(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether a value looks like a reference to a saved file; an answer can look so too."""
    return isinstance(value, Mapping) and value.get("type") == _TYPE and isinstance(value.get("path"), str)


def make_saved(path: str, size: int, sha256: str, media_type: str = "", items: int | None = None) -> dict[str, Any]:
    """Return the reference to a file of ``size`` bytes; ``items`` is how many values a file of JSON lines has."""
    reference: dict[str, Any] = {"type": _TYPE, "path": path, "bytes": size, "sha256": sha256}
    reference["media_type"] = media_type or "application/octet-stream"
    return reference if items is None else {**reference, "items": items}


def saved_name(reference: Mapping[str, Any]) -> str:
    """Return the file's own name."""
    return str(reference["path"]).rpartition("/")[2]


def check_saved_path(path: str) -> str:
    """Return a path under a workflow's folder in the storage, as it was written.

    :raises ExpressionError: where it could lead out of the folder, or is no path of a file.
    """
    reason = _refusal(path)
    if reason is None:
        return path
    shown = path if len(path) <= _LONGEST else f"{path[:60]}…"
    raise ExpressionError(
        f"{shown!r} is not a path under the workflow's folder in the storage: {reason}. "
        "Write a relative one like 'reports/{{ run.id }}.pdf'."
    )


def plan_save_to(written: str | None, place: Context) -> Compiled[str] | None:
    """Compile a ``save_to``, and check what is written out of it; problems go to its place."""
    if written is None:
        return None
    compiled: Compiled[str] = place.compile("template", written)
    if compiled.constant:
        try:
            check_saved_path(written)
        except ExpressionError as error:
            place.report(str(error))
    return compiled


def _refusal(path: str) -> str | None:
    segments = path.split("/")
    if not path.strip():
        return "it is empty"
    if path.startswith("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", path):
        return "it is absolute"
    if "\\" in path:
        return "it has a backslash"
    if _CONTROL.search(path):
        return "it has a control character"
    if ".." in segments or "." in segments:
        return "'.' and '..' do not name a file"
    if not all(segment.strip() for segment in segments):
        return "a part of it is empty"
    if len(path) > _LONGEST or any(len(segment.encode()) > _LONGEST_SEGMENT_BYTES for segment in segments):
        return f"it is longer than {_LONGEST} characters, or a part of it than {_LONGEST_SEGMENT_BYTES} bytes"
    return None
