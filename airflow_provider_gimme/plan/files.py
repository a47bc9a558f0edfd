"""Saved files in the body of a call: as the whole of it, or as parts of a multipart body."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, TypeGuard

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.http.multipart import FileBody, Multipart, Part
from airflow_provider_gimme.plan.saved import is_saved, saved_name

__all__ = ["OpenFile", "file_of", "is_file_value", "multipart_of", "sketch_file"]

OpenFile = Callable[[Mapping[str, Any]], FileBody]
"""Gives the file that a reference stands for."""

_FILE_KEYS = frozenset({"file", "filename", "content_type"})


def sketch_file(reference: Mapping[str, Any]) -> FileBody:
    """Return the file of a reference where there is no storage: it can be shown, and not be sent."""

    def refuse() -> BinaryIO:
        raise FileNotFoundError(f"there is no storage here to read {reference['path']} from")

    size = reference.get("bytes")
    return FileBody(saved_name(reference), size if isinstance(size, int) else 0, refuse, _media_type(reference))


def is_file_value(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether a value stands for a file: a reference, or ``{file: <reference>, filename, content_type}``."""
    return is_saved(value) or (
        isinstance(value, Mapping) and is_saved(value.get("file")) and _FILE_KEYS.issuperset(value)
    )


def file_of(value: Mapping[str, Any], open_file: OpenFile) -> FileBody:
    """Return the file that a value stands for, under the name and type that it gives."""
    if is_saved(value):
        return open_file(value)
    file = open_file(value["file"])
    name, media_type = (value.get(key) for key in ("filename", "content_type"))
    return replace(file, name=str(name or file.name), media_type=str(media_type or file.media_type))


def multipart_of(value: Any, open_file: OpenFile) -> Multipart:
    """Return a multipart body: files of references, fields of other values; a list repeats its name.

    :raises ExpressionError: where the value is no map.
    """
    if not isinstance(value, Mapping):
        raise ExpressionError(f"a multipart body is a map of names to values, not {type(value).__name__}")
    return Multipart(tuple(_parts(value, open_file)))


def _parts(value: Mapping[str, Any], open_file: OpenFile) -> Iterator[Part]:
    for name, content in value.items():
        for one in content if isinstance(content, list | tuple) else (content,):
            if is_file_value(one):
                yield Part(str(name), file_of(one, open_file))
            elif isinstance(one, Mapping | list | tuple):
                yield Part(str(name), _json(one), "application/json")
            elif one is not None:
                yield Part(str(name), one.encode() if isinstance(one, str) else _json(one))


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        raise ExpressionError("the body holds a number that JSON does not know (NaN or Infinity)") from None


def _media_type(reference: Mapping[str, Any]) -> str:
    return str(reference.get("media_type") or "application/octet-stream")
