"""When a workflow runs by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_gimme.config import Workflow
from airflow_provider_gimme.plan import SchedulePlan
from airflow_provider_gimme.plan.schedule import next_runs, plan_schedule

STEPS = [{"name": "a"}]
NEW_YORK = ZoneInfo("America/New_York")


def planned(**keys: object) -> SchedulePlan:
    """Return the schedule of a small workflow."""
    plan = plan_schedule(Workflow.model_validate({"name": "w", "steps": STEPS, **keys}))
    assert plan is not None
    return plan


def test_a_plain_cron_is_read_in_utc() -> None:
    """Two in the morning in Singapore is 18:00 UTC, as the described system writes it."""
    schedule = planned(schedule="0 18 * * *", timezone="Asia/Singapore")
    (first,) = next_runs(schedule, 1, datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert first.astimezone(UTC) == datetime(2026, 11, 22, 18, tzinfo=UTC)
    assert first.astimezone(ZoneInfo("Asia/Singapore")).hour == 2


def test_a_cron_with_a_zone_keeps_its_hour_over_daylight_saving() -> None:
    """2 a.m. in New York stays 2 a.m., and is 3 a.m. on the day that has no 2 a.m."""
    schedule = planned(schedule={"cron": "0 2 * * *", "timezone": "America/New_York"})
    spring = next_runs(schedule, 3, datetime(2026, 3, 7, 0, tzinfo=NEW_YORK))
    assert [(run.day, run.hour) for run in spring] == [(7, 2), (8, 3), (9, 2)]
    autumn = next_runs(schedule, 3, datetime(2026, 10, 31, 0, tzinfo=NEW_YORK))
    assert [(run.day, run.hour) for run in autumn] == [(31, 2), (1, 2), (2, 2)]


def test_a_map_takes_the_workflows_zone_by_default() -> None:
    """``{cron}`` without a zone of its own is read in the workflow's."""
    assert planned(schedule={"cron": "@daily"}, timezone="Asia/Singapore") == SchedulePlan(
        "Asia/Singapore", cron="0 0 * * *"
    )


@pytest.mark.parametrize(
    "keys, expected",
    [
        ({}, datetime(2026, 1, 1, 10, 15, tzinfo=UTC)),
        ({"start_date": "2026-01-01T00:05:00"}, datetime(2026, 1, 1, 10, 20, tzinfo=UTC)),
        ({"start_date": "2027-01-01"}, datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_interval_counts_from_its_start(keys: dict[str, str], expected: datetime) -> None:
    """``{every}`` counts from ``start_date``, else from midnight."""
    schedule = planned(schedule={"every": "15m"}, **keys)
    runs = next_runs(schedule, 2, datetime(2026, 1, 1, 10, 7, tzinfo=UTC))
    assert runs == [expected, expected + timedelta(minutes=15)]


def test_an_inactive_workflow_has_no_schedule() -> None:
    """``active: false`` means no runs by itself."""
    workflow = Workflow.model_validate({"name": "w", "steps": STEPS, "schedule": "@daily", "active": False})
    assert plan_schedule(workflow) is None


@pytest.mark.parametrize("cron", ["0 2 * * *", "30 * * * *", "*/20 1-3 * * *", "15 2 1,8 3,11 0"])
@pytest.mark.parametrize("day", ["2026-03-07", "2026-10-31", "2026-06-01"])
def test_the_times_told_are_those_airflow_takes(cron: str, day: str) -> None:
    """What the plan says agrees with Airflow's own timetable, over both changes of daylight saving."""
    pendulum = pytest.importorskip("pendulum")
    from airflow.timetables.trigger import CronTriggerTimetable

    timetable = CronTriggerTimetable(cron, timezone="America/New_York")
    current = pendulum.parse(day)
    expected = []
    for _ in range(30):
        current = timetable._get_next(current)
        expected.append(current.timestamp())
    schedule = SchedulePlan("America/New_York", cron=cron)
    ours = next_runs(schedule, 30, datetime.fromisoformat(day).replace(tzinfo=UTC))
    assert [run.timestamp() for run in ours] == expected
