"""From the schedule of a plan to Airflow's timetable and start date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk import CronTriggerTimetable

from airflow_provider_gimme.build.every import LATE_LIMIT, EveryTimetable

if TYPE_CHECKING:
    from airflow.sdk.bases.timetable import BaseTimetable

    from airflow_provider_gimme.plan import Plan, SchedulePlan

__all__ = ["Schedule", "build_schedule"]


@dataclass(frozen=True)
class Schedule:
    """What Airflow needs to know of when a workflow runs."""

    timetable: BaseTimetable | EveryTimetable | None = None
    start_date: datetime | None = None
    catchup: bool = False


def build_schedule(plan: Plan, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Schedule:
    """Return when a workflow runs.

    A cron expression is always given with its zone, as an object: a plain string would be read in the zone of the start
    date. Without ``catchup`` a start date that is past is left out: with it, Airflow would run the last past time at
    once; without it, a new workflow waits for its next time.
    """
    schedule = plan.schedule
    if schedule is None:
        return Schedule()
    start = schedule.start
    if start is not None and not plan.workflow.catchup and start <= now():
        start = None
    return Schedule(_timetable(schedule), start, plan.workflow.catchup)


def _timetable(schedule: SchedulePlan) -> BaseTimetable | EveryTimetable:
    if schedule.every is not None:
        return EveryTimetable(schedule.every, schedule.anchor)
    return CronTriggerTimetable(schedule.cron or "", timezone=schedule.timezone, run_immediately=LATE_LIMIT)
