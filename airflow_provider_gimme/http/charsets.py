"""Which charsets that an answer names are used: those that turn bytes into text, each in time that grows with them."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

__all__ = ["is_charset"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_NEVER = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""Codecs of Python that are no charsets, of which the first two take time that grows with the square of the length; and
UTF-7, which hides markup from whoever looks at the bytes."""


@lru_cache(maxsize=64)
def is_charset(name: str) -> bool:
    """Say whether a name, in small letters, is that of a charset. What only packs or scrambles (``zlib``) is none."""
    if not _NAME.fullmatch(name):
        return False
    try:
        return codecs.lookup(name).name not in _NEVER
    except LookupError:
        return False
