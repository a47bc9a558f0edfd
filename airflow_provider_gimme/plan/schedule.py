"""When a workflow runs by itself, and the next times it will."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow_provider_gimme.config.schedule import PRESETS, CronSchedule, EverySchedule
from airflow_provider_gimme.plan.models import SchedulePlan

if TYPE_CHECKING:
    from airflow_provider_gimme.config import Workflow

__all__ = ["next_runs", "plan_schedule"]


def plan_schedule(workflow: Workflow) -> SchedulePlan | None:
    """Return when the workflow runs by itself, or None: a plain cron expression is read in UTC.

    An inactive workflow (``active: false``) has no schedule.
    """
    written = workflow.schedule
    if written is None or workflow.active is False:
        return None
    start = workflow.start_date
    if start is not None and start.tzinfo is None:
        start = start.replace(tzinfo=ZoneInfo(workflow.timezone))
    if isinstance(written, EverySchedule):
        return SchedulePlan(timezone=workflow.timezone, every=written.every, start=start)
    if isinstance(written, CronSchedule):
        cron, zone = written.cron, written.timezone or workflow.timezone
    else:
        cron, zone = written, "UTC"
    return SchedulePlan(timezone=zone, cron=PRESETS.get(cron, cron), start=start)


def next_runs(schedule: SchedulePlan, count: int, now: datetime) -> list[datetime]:
    """Return the next ``count`` scheduled times after ``now``, each with the schedule's zone.

    They are those of Airflow's ``CronTriggerTimetable`` and ``DeltaTriggerTimetable``: a time that a change to
    daylight saving leaves out moves to the next one there is.
    """
    after = max(now, schedule.start - timedelta(microseconds=1)) if schedule.start else now
    times = _cron_times(schedule, schedule.cron, after) if schedule.cron else _interval_times(schedule, after)
    return list(islice(times, count))


def _cron_times(schedule: SchedulePlan, expression: str, after: datetime) -> Iterator[datetime]:
    from croniter import croniter

    current = after.astimezone(schedule.zone)
    while True:
        naive = current.replace(tzinfo=None)
        cron = croniter(expression, start_time=naive)
        upcoming = cron.get_next(datetime)
        if cron.expanded[1] == ["*"]:
            moment = current.astimezone(UTC) + (upcoming - naive)
        else:
            moment = _in_zone(upcoming, schedule.zone)
        current = moment.astimezone(schedule.zone)
        yield current


def _in_zone(naive: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment a clock in the zone shows: the later of two, and where there is none, as much later."""
    later = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if later.astimezone(zone).replace(tzinfo=None) == naive:
        return later
    return naive.replace(tzinfo=zone).astimezone(UTC)


def _interval_times(schedule: SchedulePlan, after: datetime) -> Iterator[datetime]:
    every = schedule.every or timedelta(days=1)
    passed = (after - schedule.anchor) // every + 1
    moment = schedule.anchor.astimezone(UTC) + passed * every
    while True:
        yield moment.astimezone(schedule.zone)
        moment += every
