"""Patterns: text with ``{part}`` in it, such as ``v0:{timestamp}:{body}``, for what is signed and what is sent."""

from __future__ import annotations

import re

__all__ = ["PARTS", "SIGNATURE", "split_pattern", "unknown_parts", "used_parts"]

SIGNATURE = "signature"
"""The part that only what is sent can have."""

PARTS = (
    "method",
    "host",
    "path",
    "query",
    "path_and_query",
    "url",
    "body",
    "body_sha256",
    "body_sha256_base64",
    "body_md5",
    "timestamp",
    "nonce",
    "key_id",
)
"""The parts of a pattern, beside ``header:NAME``."""

_PART = re.compile(r"\{([a-z_][a-z0-9_]*|header:[^{}\s]+)\}")


def split_pattern(pattern: str) -> list[str]:
    """Return text, a part's name, text, a part's name, … text."""
    return _PART.split(pattern)


def used_parts(pattern: str) -> frozenset[str]:
    """Return the names of the parts in a pattern."""
    return frozenset(_PART.findall(pattern))


def unknown_parts(pattern: str, *more: str) -> list[str]:
    """Return the names in a pattern that are no part; ``more`` are parts too."""
    known = {*PARTS, *more}
    return sorted(name for name in used_parts(pattern) if name not in known and not name.startswith("header:"))
