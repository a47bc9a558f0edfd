"""How long a token is used, from what an answer says of its end."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

__all__ = ["used_until"]

_MARGIN = timedelta(seconds=60)
_MARGIN_SHARE = 0.1
_EPOCH = 1_000_000_000
"""A number from here on (September 2001) is a moment, not a duration (31 years)."""
_EPOCH_MS = 100_000_000_000
_LONGEST_SECONDS = 100 * 366 * 86_400


def used_until(told: object, now: datetime) -> datetime | None:
    """Return the moment up to which a token is used: 60 s before its end, at most a tenth of its life.

    ``told`` is what the answer says: seconds from now, seconds or milliseconds since 1970, or a date with a time in
    ISO 8601 (in UTC where it names no zone); a number may be text. What cannot be read is as if it were absent: None.
    """
    life = _life(told, now)
    return None if life is None else now + life - min(_MARGIN, life * _MARGIN_SHARE)


def _life(told: object, now: datetime) -> timedelta | None:
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        seconds = float(told)
    except (ValueError, OverflowError):
        return _until_date(str(told), now)
    if math.isnan(seconds):
        return None
    if seconds >= _EPOCH:
        seconds = seconds / (1000 if seconds >= _EPOCH_MS else 1) - now.timestamp()
    return timedelta(seconds=min(max(seconds, 0), _LONGEST_SECONDS))


def _until_date(text: str, now: datetime) -> timedelta | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
