"""The time that a run stands for: from the previous scheduled time to its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Window
    from airflow_provider_gimme.plan import SchedulePlan

__all__ = ["previous_time", "window_of"]

_LOOK_BACK = (timedelta(days=1), timedelta(days=40), timedelta(days=400), timedelta(days=366 * 9))


def window_of(schedule: SchedulePlan | None, time: datetime) -> Window:
    """Return the window of a run at ``time``, in the zone of ``time``; without a schedule it has no start."""
    from airflow_provider_gimme.expressions import Window

    previous = None if schedule is None else previous_time(schedule, time)
    return Window(None if previous is None else previous.astimezone(time.tzinfo), time)


def previous_time(schedule: SchedulePlan, time: datetime) -> datetime | None:
    """Return the last scheduled time before ``time``; None where there is none in the last nine years."""
    from airflow_provider_gimme.plan.schedule import next_runs

    if schedule.every is not None:
        passed = -((schedule.anchor - time) // schedule.every) - 1
        previous = schedule.anchor.astimezone(UTC) + passed * schedule.every
        return None if schedule.start is not None and previous < schedule.start else previous
    for back in _LOOK_BACK:
        moment, found = time.astimezone(UTC) - back, None
        while moment < time:
            upcoming = next_runs(schedule, 64, moment)
            past = [run for run in upcoming if run < time]
            found = past[-1] if past else found
            moment = upcoming[-1] if len(past) == len(upcoming) else time
        if found is not None:
            return found
    return None
