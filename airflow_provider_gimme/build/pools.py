"""Names of pools as Airflow can keep them."""

from __future__ import annotations

import hashlib

__all__ = ["POOL_NAME_LENGTH", "pool_name"]

POOL_NAME_LENGTH = 256
"""The longest name of a pool, in characters."""


def pool_name(name: str) -> str:
    """Return a pool's name, its end replaced by a hash of the whole where it is longer than Airflow's table allows."""
    if len(name) <= POOL_NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{name[: POOL_NAME_LENGTH - len(digest) - 1]}.{digest}"
