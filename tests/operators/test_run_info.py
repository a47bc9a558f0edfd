"""What expressions see of a run, and how long its steps may take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_gimme.errors import ExpressionError, RunTimeoutError, StepError
from airflow_provider_gimme.expressions import Compiler
from airflow_provider_gimme.operators.inputs_schema import check_inputs, effective_inputs
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.scope import read_scope
from airflow_provider_gimme.operators.window import previous_time
from airflow_provider_gimme.plan import GroupPlan, plan_text
from tests.operators.test_attempts import MemoryStore


@dataclass
class DagRun:
    """A run as Airflow tells a task of it."""

    run_type: str = "manual"
    logical_date: datetime | None = None
    start_date: datetime = datetime(2026, 3, 10, 12, tzinfo=UTC)
    conf: dict[str, Any] | None = None


@dataclass
class Instance:
    """A task as Airflow tells it of itself."""

    dag_id: str = "f"
    run_id: str = "r"
    task_id: str = "a"
    max_tries: int = 3
    try_number: int = 1
    states: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def get_task_states(self, *, run_ids: list[str], **_names: Any) -> dict[str, Any]:
        return {run_ids[0]: self.states}

    def xcom_pull(self, *, task_ids: str, **_names: Any) -> Any:
        return self.outputs.get(task_ids)


def run_of(keys: str = "", dag_run: DagRun | None = None, **instance: Any) -> TaskRun:
    plan = plan_text(f"name: f\nsteps: [{{name: a, type: transform, payload: 1}}]\n{keys}", "f.yaml")
    return TaskRun(plan, Instance(**instance), dag_run or DagRun(), MemoryStore())


def test_a_scheduled_run_stands_for_its_window() -> None:
    """The window goes from the scheduled time before to the run's own, in the workflow's zone."""
    at = datetime(2026, 3, 9, 18, tzinfo=UTC)
    info = run_of("schedule: '0 18 * * *'\ntimezone: Asia/Singapore\n", DagRun("scheduled", at)).info(2)
    zone = ZoneInfo("Asia/Singapore")
    assert (info.id, info.scheduled, info.attempt) == ("r", True, 2)
    assert (info.time, info.window.start, info.window.end) == (at, at - timedelta(days=1), at)
    assert isinstance(info.time, datetime)
    assert info.time.tzinfo == zone


def test_a_manual_run_has_the_time_it_began() -> None:
    """Without a logical date the time is that of the start; without a schedule the window has no start."""
    info = run_of().info()
    assert (info.time, info.window.start, info.scheduled) == (datetime(2026, 3, 10, 12, tzinfo=UTC), None, False)


@pytest.mark.parametrize(
    "schedule,time,expected",
    [
        ("'0 18 * * *'", "2026-03-10T12:00:00+00:00", "2026-03-09T18:00:00+00:00"),
        ("'0 18 * * *'", "2026-03-10T18:00:00+00:00", "2026-03-09T18:00:00+00:00"),
        ("'*/5 * * * *'", "2026-03-10T12:00:00+00:00", "2026-03-10T11:55:00+00:00"),
        ("'0 0 29 2 *'", "2026-03-10T12:00:00+00:00", "2024-02-29T00:00:00+00:00"),
        ("{cron: '0 2 * * *', timezone: America/New_York}", "2026-03-09T06:00:00+00:00", "2026-03-08T07:00:00+00:00"),
        ("{every: 90m}", "2026-03-10T12:00:00+00:00", "2026-03-10T10:30:00+00:00"),
        ("{every: 90m}", "2026-03-10T12:07:00+00:00", "2026-03-10T12:00:00+00:00"),
    ],
)
def test_the_time_before(schedule: str, time: str, expected: str) -> None:
    """The scheduled time before a moment is found for rare schedules too, and over daylight saving."""
    plan = run_of(f"schedule: {schedule}\n").plan
    assert plan.schedule is not None
    assert previous_time(plan.schedule, datetime.fromisoformat(time)) == datetime.fromisoformat(expected)


def test_the_first_interval_has_none_before_it() -> None:
    """Intervals are counted from the start date, before which there was no run."""
    plan = run_of("schedule: {every: 1h}\nstart_date: '2026-03-10T12:00:00'\n").plan
    assert plan.schedule is not None
    first = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert previous_time(plan.schedule, first) is None
    assert previous_time(plan.schedule, first + timedelta(minutes=1)) == first


def test_a_member_of_a_group_is_there_although_it_alone_was_read() -> None:
    """A group is known by the members that are read, and says so where it is used as a whole."""
    run = run_of()
    group = GroupPlan("g", "", ("a", "b"), None, None)
    run = replace(
        run, plan=replace(run.plan, groups=(group,)), ti=Instance(states={"a": "success"}, outputs={"a": {"v": 1}})
    )
    scope = read_scope(run, {"a"}, str)
    compiler = Compiler()
    assert compiler.value("{{ steps.g.a.v }}").evaluate(scope) == 1
    assert compiler.value("{{ steps.g.a.status }}").evaluate(scope) == "success"
    assert compiler.value("$.steps.*.status").evaluate(scope) == ["success"]
    with pytest.raises(ExpressionError, match="the group is not whole here: b may not have ended"):
        compiler.value("{{ steps.g | length }}").evaluate(scope)


def test_a_step_takes_what_is_left_of_the_run() -> None:
    """A step's limit is its own, or what is left of the run's; nothing left is an error at once."""
    run, began = run_of("timeout: 10m\n"), DagRun().start_date
    assert run.time_left(timedelta(minutes=3), began) == timedelta(minutes=3)
    assert run.time_left(timedelta(minutes=3), began + timedelta(minutes=8)) == timedelta(minutes=2)
    assert run.time_left(None, began) == timedelta(minutes=10)
    with pytest.raises(RunTimeoutError, match="timeout of 10m is used up"):
        run.time_left(timedelta(minutes=3), began + timedelta(minutes=10))
    assert run_of().time_left(timedelta(minutes=3), began) == timedelta(minutes=3)


@pytest.mark.parametrize("max_tries,try_number,expected", [(3, 1, True), (3, 3, True), (3, 4, False), (0, 1, False)])
def test_airflow_has_so_many_tries(max_tries: int, try_number: int, expected: bool) -> None:  # noqa: FBT001
    """After its last try Airflow makes none, whatever we decide."""
    assert run_of(max_tries=max_tries, try_number=try_number).may_retry is expected


SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "default": 3},
        "note": {"type": "string"},
        "maybe": {"type": ["string", "null"]},
        "level": {"$ref": "#/$defs/level"},
    },
    "$defs": {"level": {"type": "integer"}},
    "required": ["n"],
}


def test_defaults_and_empty_fields() -> None:
    """Defaults fill what is left out; null from an empty field of the form is no value where the schema knows none."""
    given = {"note": None, "maybe": None, "level": None, "other": 1}
    assert effective_inputs(SCHEMA, given) == {"n": 3, "maybe": None, "other": 1}
    assert effective_inputs(None, given) == given
    check_inputs(SCHEMA, effective_inputs(SCHEMA, given))


def test_every_wrong_field_is_named() -> None:
    """All faults of a conf are told at once, each by its field."""
    with pytest.raises(StepError, match=r"'level': 'x' is not of type 'integer'\n- 'n': 'y' is not"):
        check_inputs(SCHEMA, {"n": "y", "level": "x"})


def test_a_schema_cannot_fetch_anything() -> None:
    """A reference to elsewhere is an error of its own; nobody is asked for it."""
    with pytest.raises(StepError, match=r"inputs: 'http://127\.0\.0\.1:1/schema\.json' is not there"):
        check_inputs({"properties": {"a": {"$ref": "http://127.0.0.1:1/schema.json"}}}, {"a": 1})
