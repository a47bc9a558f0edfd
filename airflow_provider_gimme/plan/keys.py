"""The key that makes a call safe to repeat."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _encode

__all__ = ["idempotency_key"]


def idempotency_key(dag_id: str, run_id: str, task_id: str, max_tries: int, item: str | None = None) -> str:
    """Return the idempotency key of one call in one run: 40 hexadecimal digits.

    ``max_tries`` stays what it is over retries and crashes and changes when somebody clears the task, so the key is
    the same for every attempt of one call and new for a deliberate repetition. ``item`` tells the items of a fan-out
    apart.
    """
    digest = _begun(dag_id, run_id, task_id, max_tries).copy()
    digest.update(b"null]" if item is None else f"{_encode(item)}]".encode())
    return digest.hexdigest()[:40]


@lru_cache(maxsize=64)
def _begun(*parts: str | int) -> hashlib._Hash:
    """Return the digest of what the items of one task share: the beginning of a JSON array."""
    return hashlib.sha256(f"{json.dumps(parts).removesuffix(']')}, ".encode())
