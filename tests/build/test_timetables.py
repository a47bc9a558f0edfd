"""When a workflow runs: zones, daylight saving, and never for a time that is already past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
import time_machine
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from airflow_provider_gimme.build.every import EveryTimetable
from airflow_provider_gimme.build.timetable import build_schedule
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.schedule import next_runs

FLOW = "name: flow\nsteps: [{name: a, type: transform, payload: 1}]\n"


def plan_of(keys: str) -> Any:
    """Plan a workflow with some keys."""
    return plan_text(FLOW + keys, "flow.yaml")


def timetable_of(keys: str) -> Timetable:
    """Return the timetable as the scheduler has it: after a round trip through its serialized form."""
    built = build_schedule(plan_of(keys)).timetable
    assert built is not None
    return decode_timetable(encode_timetable(built))


def restriction_of(keys: str) -> TimeRestriction:
    """Return what the scheduler would tell the timetable of start and catchup."""
    schedule = build_schedule(plan_of(keys))
    earliest = None if schedule.start_date is None else pendulum.instance(schedule.start_date)
    return TimeRestriction(earliest, None, schedule.catchup)


def ask(keys: str, last: DagRunInfo | None = None) -> DagRunInfo:
    """Ask for the next run, as the scheduler does."""
    interval = None if last is None else last.data_interval
    found = timetable_of(keys).next_dagrun_info(last_automated_data_interval=interval, restriction=restriction_of(keys))
    assert found is not None
    return found


def runs(keys: str, count: int) -> list[datetime]:
    """Return the first runs of a workflow, each asked for when the one before it is due."""
    found: list[DagRunInfo] = []
    with time_machine.travel(datetime.now(UTC), tick=False) as now:
        for _ in range(count):
            found.append(ask(keys, found[-1] if found else None))
            now.move_to(found[-1].run_after)
    return [info.run_after for info in found]


def test_a_plain_cron_expression_is_in_utc() -> None:
    """The seed's 18:00 is 18:00 UTC, 2 a.m. in Singapore, whatever the workflow's zone and start date."""
    keys = "schedule: '0 18 * * *'\ntimezone: Asia/Singapore\nstart_date: 2026-01-01\n"
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        first = ask(keys).run_after
    assert first == datetime(2026, 3, 1, 18, tzinfo=UTC)
    assert first.astimezone(ZoneInfo("Asia/Singapore")).hour == 2


NEW_YORK = "schedule: {cron: '0 2 * * *', timezone: America/New_York}\n"


def test_two_in_the_morning_stays_over_the_start_of_daylight_saving() -> None:
    """On the day without 2 a.m. the run is at 3 a.m., and on all others at 2 a.m."""
    with time_machine.travel("2026-03-06T12:00:00Z", tick=False):
        local = [run.astimezone(ZoneInfo("America/New_York")) for run in runs(NEW_YORK, 4)]
    assert [(run.day, run.hour) for run in local] == [(7, 2), (8, 3), (9, 2), (10, 2)]


def test_two_in_the_morning_stays_over_the_end_of_daylight_saving() -> None:
    """On the day with an hour twice the run is once, at 2 a.m."""
    with time_machine.travel("2026-10-30T12:00:00Z", tick=False):
        local = [run.astimezone(ZoneInfo("America/New_York")) for run in runs(NEW_YORK, 4)]
    assert [(run.day, run.hour) for run in local] == [(31, 2), (1, 2), (2, 2), (3, 2)]


@pytest.mark.parametrize(
    "keys",
    [
        "schedule: '0 18 * * *'\n",
        "schedule: '0 18 * * *'\nstart_date: 2026-01-01\n",
        "schedule: {cron: '0 18 * * *', timezone: UTC}\ntimezone: Asia/Singapore\nstart_date: 2026-01-01\n",
        "schedule: {every: 24h}\nstart_date: 2026-01-01T18:00:00\n",
        "schedule: {every: 1d}\nstart_date: 2025-12-31T18:00:00\n",
    ],
)
@pytest.mark.parametrize("now", ["2026-03-02T00:01:00Z", "2026-03-01T18:05:01Z", "2026-03-02T17:59:59Z"])
def test_a_new_workflow_never_runs_for_a_time_already_past(keys: str, now: str) -> None:
    """Whoever drops a file gets a run at the next scheduled time, not at once."""
    with time_machine.travel(now, tick=False):
        assert ask(keys).run_after == datetime(2026, 3, 2, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "keys", ["schedule: '0 18 * * *'\n", "schedule: {every: 24h}\nstart_date: 2026-01-01T18:00:00\n"]
)
def test_a_time_that_has_just_come_is_not_lost(keys: str) -> None:
    """Airflow looks at a Dag some seconds after its time: within five minutes that time still counts."""
    with time_machine.travel("2026-03-01T18:04:00Z", tick=False):
        assert ask(keys).run_after == datetime(2026, 3, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize("schedule", ["'0 18 * * *'", "{every: 24h}"])
def test_a_start_date_to_come_is_kept(schedule: str) -> None:
    """Nothing runs before the start date, which is in the workflow's zone."""
    keys = f"schedule: {schedule}\ntimezone: Asia/Singapore\nstart_date: 2026-05-02T02:00:00\n"
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        assert ask(keys).run_after == datetime(2026, 5, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize("schedule", ["'0 18 * * *'", "{every: 24h}"])
def test_catchup_runs_what_is_past(schedule: str) -> None:
    """With `catchup` the first run is the first after the start date, and no time is left out."""
    keys = f"schedule: {schedule}\nstart_date: 2026-02-01T18:00:00\ncatchup: true\n"
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        first = ask(keys)
        assert first.run_after == datetime(2026, 2, 1, 18, tzinfo=UTC)
        assert ask(keys, first).run_after == datetime(2026, 2, 2, 18, tzinfo=UTC)


def test_without_catchup_what_was_missed_is_left_out() -> None:
    """After a pause an interval goes on with the latest time, not with all of them."""
    last = DagRunInfo.exact(pendulum.datetime(2026, 2, 1, 18))
    with time_machine.travel("2026-03-01T19:00:00Z", tick=False):
        assert ask("schedule: {every: 24h}\nstart_date: 2026-01-01T18:00:00\n", last).run_after == datetime(
            2026, 3, 1, 18, tzinfo=UTC
        )


def test_an_interval_keeps_its_times() -> None:
    """The times of an interval do not depend on when somebody asks for them."""
    with time_machine.travel("2026-03-01T12:07:13Z", tick=False):
        assert [run.strftime("%H:%M") for run in runs("schedule: {every: 15m}\n", 3)] == ["12:15", "12:30", "12:45"]


def test_an_interval_ends_with_its_dag() -> None:
    """No run is later than the end date that Airflow knows of."""
    table = EveryTimetable(timedelta(hours=1), datetime(2026, 1, 1, tzinfo=UTC))
    late = TimeRestriction(None, pendulum.datetime(2026, 1, 2), catchup=False)
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        assert table.next_dagrun_info(last_automated_data_interval=None, restriction=late) is None


def test_a_manual_run_of_an_interval_stands_for_its_moment() -> None:
    """A manual run has an interval of no length."""
    table = EveryTimetable(timedelta(hours=1), datetime(2026, 1, 1, tzinfo=UTC))
    moment = pendulum.datetime(2026, 1, 2, 3)
    assert table.infer_manual_data_interval(run_after=moment) == DataInterval(moment, moment)


@pytest.mark.parametrize(
    "keys",
    [
        "schedule: '0 18 * * *'\ntimezone: Asia/Singapore\n",
        NEW_YORK,
        "schedule: {cron: '*/20 9-17 * * 1-5', timezone: Europe/Berlin}\n",
        "schedule: {every: 15m}\n",
        "schedule: {every: 6h}\ntimezone: Asia/Kolkata\n",
        "schedule: {every: 7h}\nstart_date: 2026-01-05T04:00:00\n",
    ],
)
@pytest.mark.parametrize("now", ["2026-03-07T00:07:00Z", "2026-10-31T23:37:00Z"])
def test_what_the_plan_foretells_is_what_airflow_does(keys: str, now: str) -> None:
    """The next runs that `gimme plan` prints are those that the scheduler makes."""
    schedule = plan_of(keys).schedule
    with time_machine.travel(now, tick=False):
        told = next_runs(schedule, 5, datetime.now(UTC))
        assert [run.astimezone(UTC) for run in told] == runs(keys, 5)
