"""Filters over dates: they take a date, or text in ISO 8601, and keep a plain day a plain day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import kind_of
from airflow_provider_gimme.expressions.filters.checks import defined, need

__all__ = ["FILTERS"]

_PLAIN_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WIDTH = re.compile(r"%[^%A-Za-z]*\d")
_FORMATS = "Write it like 2026-01-31 or 2026-01-31T09:00:00+08:00."


def _moment(name: str, value: object) -> date:
    """Return a date or a moment, read from text where it is text."""
    if isinstance(defined(value), date):
        return value  # type: ignore[return-value]
    if not isinstance(value, str):
        raise ExpressionError(f"the filter '{name}' needs a date (got {kind_of(value)}). {_FORMATS}")
    text = value.strip()
    try:
        return date.fromisoformat(text) if _PLAIN_DAY.fullmatch(text) else datetime.fromisoformat(text)
    except ValueError:
        raise ExpressionError(f"the filter '{name}' needs a date (got {text[:40]!r}). {_FORMATS}") from None


def _parse_date(value: object, pattern: str | None = None) -> date:
    """Read a date: in ISO 8601, or by a pattern of ``strptime`` such as ``%d/%m/%Y``."""
    if pattern is None:
        return _moment("parse_date", value)
    text = need("parse_date", value, str)
    try:
        return datetime.strptime(text, need("parse_date", pattern, str))  # noqa: DTZ007 - the pattern may have no zone
    except ValueError:
        raise ExpressionError(
            f"the filter 'parse_date' got {text[:40]!r}, which is not written as {pattern!r}"
        ) from None


def _date_add(value: object, duration: object) -> date:
    """Add a duration, as in ``date_add('-1d')``; in a zone, days are calendar days and hours are real hours."""
    from airflow_provider_gimme.config.scalars import parse_duration

    moment = _moment("date_add", value)
    text = str(need("date_add", duration, str, int, what="a duration like '-1d'"))
    sign = -1 if text.startswith("-") else 1
    try:
        added = sign * parse_duration(text.lstrip("+-"))
        return _plus(moment, added)
    except ValueError as error:
        raise ExpressionError(f"the filter 'date_add' got {text[:40]!r}: {error}") from None
    except OverflowError:
        raise ExpressionError(f"the filter 'date_add' leaves the calendar by {text[:40]!r}") from None


def _plus(moment: date, added: timedelta) -> date:
    days = timedelta(days=int(added / timedelta(days=1)))
    rest = added - days
    if not isinstance(moment, datetime):
        return moment + days if not rest else datetime(moment.year, moment.month, moment.day) + added  # noqa: DTZ001
    moved = moment + days
    if not rest or moment.tzinfo is None:
        return moved + rest
    zone = moment.tzinfo
    return (moved.astimezone(ZoneInfo("UTC")) + rest).astimezone(zone)


def _format_date(value: object, pattern: str = "%Y-%m-%d") -> str:
    """Write a date by a pattern of ``strftime``."""
    moment = _moment("format_date", value)
    if _WIDTH.search(need("format_date", pattern, str)) or len(pattern) > 1000:
        raise ExpressionError("the filter 'format_date' takes a pattern of strftime without widths, such as '%Y-%m-%d'")
    return moment.strftime(pattern)


def _to_zone(value: object, zone: str) -> datetime:
    """Tell a moment in another zone; one without a zone is taken as UTC."""
    from airflow_provider_gimme.config.suggestions import did_you_mean

    moment = _moment("to_zone", value)
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - UTC is put on below
    try:
        target = ZoneInfo(need("to_zone", zone, str, what="the name of a zone"))
    except (KeyError, ValueError, OSError):
        from zoneinfo import available_timezones

        near = did_you_mean(zone, available_timezones()) or " Write one like Asia/Singapore or UTC."
        raise ExpressionError(f"the filter 'to_zone' got {zone[:40]!r}, which is not a time zone.{near}") from None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("UTC"))).astimezone(target)
    except OverflowError:
        raise ExpressionError("the filter 'to_zone' leaves the calendar") from None


FILTERS: dict[str, Callable[..., Any]] = {
    "date_add": _date_add,
    "format_date": _format_date,
    "parse_date": _parse_date,
    "to_zone": _to_zone,
}
