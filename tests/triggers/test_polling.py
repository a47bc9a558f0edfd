"""Polls: when they are made, what they tell, what ends them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError, StatusError
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.triggers.polling import Poller, Told
from airflow_provider_gimme.triggers.watch import Watch
from tests.operators.api import Api
from tests.triggers.conftest import NOW, MakeWatch, secrets

JOB = """
poll: {endpoint: "/jobs/{{ job.id }}", every: 10s, backoff: exponential, max_every: 1m}
done_when: $.status == "done"
fail_when: $.status == "failed" || response.status == 206
progress: $.share
"""
PLAIN = JOB.replace(" || response.status == 206", "")


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += timedelta(seconds=seconds)


def poller(watch: Watch, clock: Clock) -> Poller:
    """Return the poller of a watch, on a clock of the test."""
    return Poller(
        watch.poll.open(secrets()),
        watch.conditions.reader(None),
        watch.terms,
        Redactor(),
        now=lambda: clock.now,
        sleep=clock.sleep,
        random=lambda: 0.0,
    )


def poll(watch: Watch, clock: Clock, deadline: float = 3600, seen: list[Any] | None = None) -> Told | None:
    """Poll from now on until the end."""
    shown = seen if seen is not None else []

    async def show(progress: Any) -> None:
        shown.append(progress)

    return asyncio.run(poller(watch, clock).until_over(clock.now, clock.now + timedelta(seconds=deadline), show))


def test_the_rhythm_and_what_a_server_asks(make_watch: MakeWatch, api: Api) -> None:
    """The wait grows to its longest; a longer Retry-After counts, a shorter one does not."""
    api.answer("/jobs/7", 200, {"status": "running"}, Retry_After="3")
    api.answer("/jobs/7", 200, {"status": "running"})
    api.answer("/jobs/7", 202, {"status": "running"}, Retry_After="300")
    api.answer("/jobs/7", 200, {"status": "running"})
    api.answer("/jobs/7", 200, {"status": "done"})
    clock = Clock()
    told = poll(make_watch(PLAIN), clock)
    assert told is not None
    assert told.state == "done"
    assert clock.slept == [10, 20, 300, 60]


def test_a_fail_when_over_what_is_not_there_does_not_hold(make_watch: MakeWatch, api: Api) -> None:
    """A job that tells of an error only where there is one goes on, whatever its answers lack."""
    api.answer("/jobs/7", 200, {"status": "running"})
    api.answer("/jobs/7", 200, {"status": "running", "error": None})
    api.answer("/jobs/7", 200, {"status": "running", "error": {"code": "quota"}})
    told = poll(
        make_watch(JOB.replace('$.status == "failed" || response.status == 206', '$.error.code == "quota"')), Clock()
    )
    assert told is not None
    assert told.state == "failed"
    assert len(api.calls("/jobs/7")) == 3


def test_progress_is_shown_whenever_it_changes(make_watch: MakeWatch, api: Api) -> None:
    """What an answer does not tell, or tells again, is not shown."""
    for share in (0, 0.5, 0.5, None, 0.7):
        api.answer("/jobs/7", 200, {"status": "running"} if share is None else {"status": "running", "share": share})
    api.answer("/jobs/7", 200, {"status": "failed", "share": 0.7})
    seen: list[Any] = []
    told = poll(make_watch(PLAIN), Clock(), seen=seen)
    assert told is not None
    assert told.state == "failed"
    assert seen == [0, 0.5, 0.7]


def test_a_failure_of_the_moment_is_no_verdict(make_watch: MakeWatch, api: Api) -> None:
    """However many polls fail, more than a call is retried, the job goes on; the waits are those of `retry`."""
    for status in (503, 429, 500, 502, 503, 504, 503):
        api.answer("/jobs/7", status, None)
    api.answer("/jobs/7", 200, {"status": "done"})
    clock = Clock()
    told = poll(make_watch(PLAIN, delay=timedelta(seconds=1), limit=0, max_delay=timedelta(seconds=30)), clock)
    assert told is not None
    assert told.state == "done"
    assert clock.slept == [1, 2, 4, 8, 16, 30, 30]


def test_a_failure_for_good_ends_it(make_watch: MakeWatch, api: Api) -> None:
    """An answer that another poll would get again is raised."""
    api.answer("/jobs/7", 401, None)
    with pytest.raises(StatusError, match="401"):
        poll(make_watch(PLAIN), Clock())


def test_the_deadline_ends_it(make_watch: MakeWatch, api: Api) -> None:
    """No poll begins from then on, and nobody waits beyond it."""
    api.answer("/jobs/7", 200, {"status": "running"})
    clock = Clock()
    assert poll(make_watch(PLAIN), clock, deadline=25) is None
    assert clock.slept == [10, 15]
    assert clock.now == NOW + timedelta(seconds=25)
    assert len(api.got) == 2


def test_a_condition_that_finds_nothing_is_an_error(make_watch: MakeWatch, api: Api) -> None:
    """An answer without what is compared would be polled for ever."""
    api.answer("/jobs/7", 200, {"state": "done"})
    with pytest.raises(ExpressionError, match="selects nothing"):
        poll(make_watch(PLAIN), Clock())


def test_a_condition_may_look_at_the_whole_answer(make_watch: MakeWatch, api: Api) -> None:
    """`response.status` beside the body, and the run's inputs."""
    text = JOB.replace('fail_when: $.status == "failed" || response.status == 206', "fail_when: response.status == 206")
    text = text.replace('done_when: $.status == "done"', "done_when: response.body.n == inputs.n")
    api.answer("/jobs/7", 200, {"n": 2})
    api.answer("/jobs/7", 200, {"n": 3})
    told = poll(make_watch(text), Clock())
    assert told is not None
    assert told.state == "done"
    api.answer("/jobs/7", 206, {"n": 3})
    api.answers["/jobs/7"].pop(0)
    failed = poll(make_watch(text), Clock())
    assert failed is not None
    assert failed.state == "failed"
