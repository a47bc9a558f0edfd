"""The settings of this Airflow that every workflow is built with."""

from __future__ import annotations

import os
from functools import lru_cache

from airflow.sdk.configuration import conf

__all__ = ["read_flag", "read_setting"]

_TRUE = frozenset({"t", "true", "1"})
"""What Airflow takes for true."""


def read_setting(section: str, name: str) -> str:
    """Return the text of a setting, empty where there is none.

    Airflow looks for it in five places each time. What it has found is kept for as long as the environment variable
    that overrules all of them says the same.
    """
    return _read(section, name, os.environ.get(f"AIRFLOW__{section.upper()}__{name.upper()}"))


def read_flag(section: str, name: str) -> bool:
    """Return a setting that is true or false; false where there is none."""
    return read_setting(section, name).strip().lower() in _TRUE


@lru_cache(maxsize=64)
def _read(section: str, name: str, _variable: str | None) -> str:
    return conf.get(section, name, fallback="") or ""
