"""Dag ids, where they are written and where they collide."""

from __future__ import annotations

import re
from collections.abc import Container

from airflow_provider_gimme.bundles.folder import SourceFile
from airflow_provider_gimme.errors import Problem

__all__ = ["duplicate_id", "likely_id", "writes_id"]

_KEY = r"""["']?({keys})["']?[ \t]*:[ \t]*["']?({value})(?![\w.-])"""


def writes_id(source: SourceFile, dag_id: str) -> bool:
    """Tell whether a file seems to write ``dag_id`` as an id or a name of anything; so do almost all that define it."""
    return re.search(_KEY.format(keys="id|name", value=re.escape(dag_id)), source.text) is not None


def duplicate_id(source: SourceFile, dag_id: str, other: str) -> Problem:
    """Say, at the line of its id, that a file defines the Dag that the file ``other`` has already."""
    match = re.search("^" + _KEY.format(keys="id|name", value=re.escape(dag_id)), source.text, re.MULTILINE)
    line = source.text.count("\n", 0, match.start()) + 1 if match else 1
    message = f"Dag id '{dag_id}' is already that of '{other}' (got '{dag_id}'). Give this workflow another one."
    return Problem(source.path, line, 1, match[1] if match else "", message)


def likely_id(source: SourceFile, taken: Container[str]) -> str:
    """Return an id, not ``taken``, for a file that cannot be read: the one it seems to write, else one of its path."""
    for key in ("id", "name"):
        match = re.search("^" + _KEY.format(keys=key, value=r"[\w.-]{1,200}"), source.text, re.MULTILINE | re.ASCII)
        if match and match[2] not in taken:
            return match[2]
    base = dag_id = re.sub(r"[^A-Za-z0-9_.-]", "_", source.path)[-190:]
    number = 1
    while dag_id in taken:
        number += 1
        dag_id = f"{base}-{number}"
    return dag_id
