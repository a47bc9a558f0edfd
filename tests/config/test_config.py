from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from airflow_provider_gimme.config.auth import CustomAuth
from airflow_provider_gimme.config.monitoring import Monitoring
from airflow_provider_gimme.config.retry import Retry
from airflow_provider_gimme.config.scalars import Moment, SecretText, Text, format_duration, parse_duration
from airflow_provider_gimme.config.schedule import CronSchedule, EverySchedule, Schedule
from airflow_provider_gimme.config.step_union import step_config
from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.config.workflow import Workflow

DURATIONS = {
    "30s": 30,
    "5m": 300,
    "1h30m": 5400,
    "2d": 172_800,
    "500ms": 0.5,
    "1.5h": 5400,
    "90": 90,
    90: 90,
    0.25: 0.25,
    "0s": 0,
    timedelta(seconds=3): 3,
}


@pytest.mark.parametrize("written", DURATIONS)
def test_a_duration_is_read(written: Any) -> None:
    """Units may be joined; a bare number is seconds."""
    assert parse_duration(written) == timedelta(seconds=DURATIONS[written])


@pytest.mark.parametrize(
    "written",
    ["", "5 m", "m5", "5y", "soon", "-1s", -1, True, None, [1], "nan", "inf", "1e400", "9" * 400, 10**30, "3651d", "٣"],
)
def test_what_is_no_duration_is_refused(written: Any) -> None:
    """Neither words nor negative, endless or absurd times pass."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@given(st.integers(0, 10**11))
def test_a_duration_that_is_written_is_read_as_the_same(milliseconds: int) -> None:
    """Writing and reading a duration gives the duration."""
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


def test_retry_has_two_dialects_for_one_meaning() -> None:
    """``max_attempts`` is ``limit`` + 1; ``backoff_ms`` alone is constant."""
    assert (Retry().retries, Retry().first_delay, Retry().growth) == (3, timedelta(seconds=5), "exponential")
    assert Retry(max_attempts=1).retries == Retry(limit=0).retries == 0
    other = Retry(backoff_ms=1500)
    assert (other.first_delay, other.growth) == (timedelta(milliseconds=1500), "constant")
    assert Retry(backoff_ms=1, backoff="linear").growth == "linear"
    assert Retry(delay=timedelta(seconds=1)).first_delay == timedelta(seconds=1)


def test_a_step_has_a_method_by_what_it_sends() -> None:
    """GET, or POST where there is something to send."""
    api_call: Any = step_config("api_call")
    assert api_call(name="a").verb == "GET"
    assert api_call(name="a", input_map={}).verb == "POST"
    assert api_call(name="a", payload=None, method="get").verb == "GET"


@pytest.mark.parametrize(
    "keys, limit, tolerated",
    [
        ({}, None, False),
        ({"timeout": "1m"}, 60, False),
        ({"timeout_seconds": 1.5, "continue_on_error": True}, 1.5, True),
        ({"on_failure": "continue"}, None, True),
        ({"on_failure": "abort"}, None, False),
    ],
)
def test_a_step_has_one_meaning_in_two_dialects(keys: dict[str, Any], limit: float | None, *, tolerated: bool) -> None:
    """``timeout_seconds`` is ``timeout``, ``continue_on_error`` is ``on_failure: continue``."""
    step = step_config("fail").model_validate({"id": "a", "name": "A", "type": "fail", "message": "x", **keys})
    assert (step.task_id, step.display_name) == ("a", "A")
    assert step.limit == (None if limit is None else timedelta(seconds=limit))
    assert step.tolerated is tolerated


def test_an_id_makes_the_name_a_title() -> None:
    """With ``id`` the name is only shown."""
    steps = [{"type": "fail", "name": "a", "message": "x"}]
    assert Workflow.model_validate({"id": "x", "name": "The X", "steps": steps}).display_name == "The X"
    assert Workflow.model_validate({"id": "x", "steps": steps}).display_name == "x"
    assert Workflow.model_validate({"name": "y", "steps": steps}).dag_id == "y"


SCHEDULES: TypeAdapter[Any] = TypeAdapter(Schedule)


def test_a_schedule_is_text_a_cron_map_or_an_interval() -> None:
    """Each is told by what is written."""
    assert SCHEDULES.validate_python("@daily") == "@daily"
    assert SCHEDULES.validate_python({"cron": "0 1 * * MON-FRI"}) == CronSchedule(cron="0 1 * * MON-FRI")
    every = SCHEDULES.validate_python({"every": "15m"})
    assert every == EverySchedule(every=timedelta(minutes=15))
    assert SCHEDULES.validate_python(every) is every


@pytest.mark.parametrize(
    "written", ["", "* * * *", "* * * * * *", "61 * * * *", "@reboot", {"every": "0.5s"}, {"cron": "x"}, [1]]
)
def test_what_is_no_schedule_is_refused(written: Any) -> None:
    """Five fields, in range; intervals of at least a second."""
    with pytest.raises(ValidationError):
        SCHEDULES.validate_python(written)


@pytest.mark.parametrize("written", ["2026-01-31", date(2026, 1, 31), datetime(2026, 1, 31)])  # noqa: DTZ001
def test_a_date_without_a_zone_keeps_none(written: Any) -> None:
    """The workflow's zone is put on later."""
    assert TypeAdapter(Moment).validate_python(written) == datetime(2026, 1, 31)  # noqa: DTZ001


def test_a_date_with_an_offset_keeps_it() -> None:
    """An explicit offset wins over the workflow's zone."""
    assert TypeAdapter(Moment).validate_python("2026-01-31T00:00:00+00:00") == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("written", ["0001-01-01", "9999-12-31", "2026", "tomorrow"])
def test_an_impossible_date_is_refused(written: str) -> None:
    """Airflow cannot count from the year 1."""
    with pytest.raises(ValidationError, match="date"):
        TypeAdapter(Moment).validate_python(written)


@pytest.mark.parametrize("written, text", [(True, "true"), (False, "false"), (3, "3"), (1.5, "1.5")])
def test_text_takes_what_was_written(written: Any, text: str) -> None:
    """A number or a truth value where text is wanted is its text."""
    assert TypeAdapter(Text).validate_python(written) == text


@pytest.mark.parametrize("written", ["abc", "$${NAME}", "${}", "${NAME:-abc}", "{{ inputs.x }}"])
def test_a_secret_must_be_named(written: str) -> None:
    """A written secret, an escaped name and a default are all refused, without showing them."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(SecretText).validate_python(written)
    assert "secret" in caught.value.errors(include_input=False)[0]["msg"]


def test_no_model_shows_its_input_in_an_error() -> None:
    """``str(error)`` of a model is safe to print."""
    with pytest.raises(ValidationError) as caught:
        CustomAuth.model_validate({"type": "custom", "header_name": "X", "token": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_monitoring_needs_a_receiver() -> None:
    """Alerts that reach nobody are a mistake."""
    with pytest.raises(ValidationError, match="webhook_url"):
        Monitoring.model_validate({"alerts": {}})
    assert Monitoring.model_validate({"webhook_url": "${U}", "alerts": {"on_success": False}}).alerts.on_failure


@pytest.mark.parametrize(
    "word, known, said",
    [
        ("retires", ["retry", "timeout"], " Did you mean 'retry'?"),
        ("dependsOn", ["depends_on"], " Did you mean 'depends_on'?"),
        ("zzz", ["retry"], ""),
        ("ab", ["abc", "abd"], " Did you mean 'abd' or 'abc'?"),
        ("timeot", ["timeout" + "x" * 100, *map(str, range(99)), "timeout"], " Did you mean 'timeout'?"),
        ("x" * 101, ["x" * 102], ""),
    ],
)
def test_near_misses_are_suggested(word: str, known: list[str], said: str) -> None:
    """At most two, the nearest first."""
    assert did_you_mean(word, known) == said
