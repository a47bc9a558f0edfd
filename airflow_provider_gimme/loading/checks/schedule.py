"""When a workflow runs: what its schedule means in its zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from airflow_provider_gimme.config.schedule import PRESETS
from airflow_provider_gimme.loading.nodes import Mapping, Scalar
from airflow_provider_gimme.loading.report import Report

__all__ = ["check_schedule"]


def check_schedule(root: Mapping, report: Report, year: int | None = None) -> None:
    """Check ``schedule``, ``timezone``, ``catchup`` and ``start_date`` together.

    ``year`` is the one whose changes of daylight saving are told; default the present one.
    """
    catchup = root.get("catchup")
    if isinstance(catchup, Scalar) and catchup.value is True and root.text("start_date") is None:
        report.add(catchup, "'catchup' has nothing to catch up from. Write a 'start_date', or remove it.")
    schedule, zone = root.get("schedule"), _zone(root)
    if isinstance(schedule, Scalar) and isinstance(schedule.value, str) and zone is not None:
        warning = _utc_warning(schedule.value, zone, year or datetime.now(UTC).year)
        if warning:
            report.warn(schedule, warning)


def _zone(root: Mapping) -> ZoneInfo | None:
    try:
        return ZoneInfo(root.text("timezone") or "UTC")
    except (KeyError, ValueError, OSError):
        return None


def _utc_warning(cron: str, zone: ZoneInfo, year: int) -> str | None:
    offsets = _offsets(zone, year)
    if offsets == [timedelta(0)]:
        return None
    fields = PRESETS.get(cron, cron).split()
    if len(fields) != 5 or (fields[1:] == ["*"] * 4 and all(offset.seconds % 3600 == 0 for offset in offsets)):
        return None
    way_out = f"If {zone.key}'s time is meant, write {{cron: '{cron}', timezone: {zone.key}}}."
    if not (fields[0].isdecimal() and fields[1].isdecimal()):
        shifts = " or ".join(_shift(offset) for offset in offsets)
        return f"'{cron}' is read in UTC; {zone.key} is UTC{shifts}. {way_out}"
    minutes = timedelta(hours=int(fields[1]), minutes=int(fields[0]))
    local = " or ".join(_clock(minutes + offset) for offset in offsets)
    return f"'{cron}' is read in UTC: {_clock(minutes)} UTC is {local} in {zone.key}. {way_out}"


def _offsets(zone: ZoneInfo, year: int) -> list[timedelta]:
    months = (datetime(year, month, 15, tzinfo=UTC).astimezone(zone).utcoffset() for month in range(1, 13))
    return sorted({offset for offset in months if offset is not None})


def _shift(offset: timedelta) -> str:
    sign = "-" if offset < timedelta(0) else "+"
    return sign + _clock(abs(offset))


def _clock(time: timedelta) -> str:
    minutes = int(time.total_seconds()) // 60 % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"
