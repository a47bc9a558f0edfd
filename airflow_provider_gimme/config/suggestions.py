"""Near misses: what a person may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

__all__ = ["did_you_mean"]

_LONGEST = 100
"""Characters of a name beyond which it is no slip of the pen of another."""
_MOST = 50
"""Names up to which an answer is kept: rules ask for the same member of one answer after the other."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` (or ``'x' or 'y'``) for the nearest of ``known``, else an empty string."""
    names = tuple(name for name in known if len(name) <= _LONGEST)
    if len(word) > _LONGEST:
        return ""
    return _kept(word, names) if len(names) <= _MOST else _near(word, names)


def _near(word: str, names: tuple[str, ...]) -> str:
    by_lower = {name.lower(): name for name in sorted(names)}
    near = get_close_matches(word.lower(), by_lower, n=2, cutoff=0.65)
    if not near:
        return ""
    return f" Did you mean {' or '.join(repr(by_lower[name]) for name in near)}?"


_kept = lru_cache(maxsize=256)(_near)
