"""How long a server asks to wait, from the headers of its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from airflow_provider_gimme.http.headers import Headers

__all__ = ["asked_wait"]

_NUMBER = re.compile(r"\d{1,18}(\.\d+)?")
_EPOCH = 1_000_000_000
"""A number from here on (September 2001) is a moment, not a duration (31 years)."""
_EPOCH_MS = 100_000_000_000
_FOREVER_SECONDS = 10_000 * 366 * 86_400
"""More than any wait between two dates."""
_LIMITS = (("ratelimit-reset", "ratelimit-remaining"), ("x-ratelimit-reset", "x-ratelimit-remaining"))


def asked_wait(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long the server asks to wait, None where it does not ask; ``now`` has a zone.

    ``Retry-After`` (RFC 9110, 10.2.3: seconds or a date) comes before ``RateLimit-Reset`` and ``X-RateLimit-Reset``
    (seconds, or seconds or milliseconds since 1970), which count only where nothing remains of the limit. A moment is
    compared with the answer's own ``Date`` where it has one, so that the clocks may differ. A moment of the past is a
    wait of zero; what cannot be read is as if it were absent.
    """
    answer = Headers(headers)
    now = _date(answer.get("date")) or now
    if (asked := _wait(answer.get("retry-after"), now)) is not None:
        return asked
    for reset, remaining in _LIMITS:
        if (asked := _wait(answer.get(reset), now)) is not None and not _remains(answer.get(remaining)):
            return asked
    return None


def _wait(value: str | None, now: datetime) -> timedelta | None:
    if value is None:
        return None
    if not _NUMBER.fullmatch(value.strip()):
        moment = _date(value)
        return None if moment is None else max(moment - now, timedelta(0))
    number = float(value)
    if number >= _EPOCH:
        seconds = number / (1000 if number >= _EPOCH_MS else 1) - now.timestamp()
        return timedelta(seconds=min(max(seconds, 0), _FOREVER_SECONDS))
    return timedelta(seconds=number)


def _date(value: str | None) -> datetime | None:
    """Read an HTTP-date in any of its three forms (RFC 9110, 5.6.7); a date without a zone is UTC."""
    if not value:
        return None
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _remains(value: str | None) -> bool:
    number = (value or "").strip()
    return bool(_NUMBER.fullmatch(number)) and float(number) > 0
