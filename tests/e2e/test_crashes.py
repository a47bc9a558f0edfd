"""Airflow's processes are killed with -9 in the middle of a call: what is called again, and under which key."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest

from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.e2e.runs import PATIENCE, Run, drop, own_text, start
from tests.standins import Call, StandIn

STEPS = ("without_retries", "without_a_word")
SOON_SECONDS = 12
"""How long an orphan may live: it looks every second, on a machine that has other things to do."""


@dataclass(frozen=True)
class Struck:
    """A run whose tasks lost a process in the middle of their calls."""

    run: Run
    api: StandIn
    tasks: tuple[int, ...]
    """The processes of the tasks that were at work."""
    moment: float
    """When the blow fell, on this machine's monotonic clock."""

    def series(self) -> list[list[Call]]:
        """Return the calls of each step, by the key of the first."""
        ledger = self.api.ledger()
        return [calls for calls in ledger.attempts().values() if calls[0].instance == self.run.run_id]

    def orphans(self) -> list[int]:
        """Return the processes of the tasks that still run."""
        return [pid for pid in self.tasks if _runs(pid)]

    def wait_for_silence(self) -> None:
        """Wait until no call from before the blow is open and no process of then is left."""

        def look() -> bool | None:
            first = [call for calls in self.series() for call in calls if call.opened < self.moment]
            return (not self.orphans() and all(call.closed for call in first)) or None

        self.run.airflow.wait(look, "the end of the orphans", timedelta(seconds=4 * SOON_SECONDS))


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def api() -> Iterator[StandIn]:
    with StandIn(token=API_KEY) as started:
        started.fail("/api/questions/generate", nth=1, each="key", hang=True)
        yield started


@pytest.fixture(scope="module")
def hanging(airflow: AirflowInstance, workflows: Path, api: StandIn) -> dict[str, Run]:
    """Give four runs, by what will be killed, all of whose calls hang."""
    drop(airflow, workflows, {name: own_text(name, api.url) for name in ("crash_again", "crash_error")})
    runs = {what: start(airflow, "crash_again") for what in ("task", "supervisor", "scheduler")}
    runs["error"] = start(airflow, "crash_error")
    calls = len(STEPS) * 3 + 1
    airflow.wait(lambda: len(api.ledger().open_now()) == calls or None, "calls that hang", PATIENCE)
    return runs


def _tasks_of(run: Run) -> tuple[int, ...]:
    """Return the processes of a run's tasks that are at work."""
    instances = run.airflow.task_instances(run.dag_id, run.run_id).values()
    return tuple(each["pid"] for each in instances if each["state"] == "running")


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def struck(airflow: AirflowInstance, hanging: dict[str, Run], api: StandIn) -> dict[str, Struck]:
    """Kill tasks and supervisors at once; the scheduler, which would end the others' waiting, when they are over it."""
    tasks = {what: _tasks_of(run) for what, run in hanging.items()}
    supervisors = [psutil.Process(pid).ppid() for pid in tasks["supervisor"]]
    for pid in (*tasks["task"], *tasks["error"], *supervisors):
        _kill(pid)
    moment = time.monotonic()
    made = partial(Struck, api=api)
    found = {what: made(run, tasks=tasks[what], moment=moment) for what, run in hanging.items() if what != "scheduler"}
    for each in found.values():
        each.run.wait()
    airflow.kill("scheduler", signal.SIGKILL)
    found["scheduler"] = made(hanging["scheduler"], tasks=tasks["scheduler"], moment=time.monotonic())
    airflow.restart("scheduler")
    return found


@pytest.mark.parametrize("what", ["task", "supervisor", "scheduler"])
class TestKilled:
    def test_the_run_succeeds(self, struck: dict[str, Struck], what: str) -> None:
        """The run ends in success, with `retry.limit: 0` and with a POST that no `retry` allows to repeat."""
        run = struck[what].run
        run.wait()
        assert run.states() == {**dict.fromkeys(STEPS, "success"), "outcome": "success"}
        assert run.wait() == "success"

    def test_the_call_is_made_again_under_its_first_key(self, struck: dict[str, Struck], what: str) -> None:
        """The API sees each call twice: the one that was cut off, and one more with the same key and body."""
        struck[what].run.wait()
        struck[what].wait_for_silence()
        series = struck[what].series()
        assert [[call.status for call in calls] for calls in series] == [[None, 200], [None, 200]]
        assert all(first.body == second.body and first.cut for first, second in series)

    def test_nothing_calls_on(self, struck: dict[str, Struck], what: str) -> None:
        """The old processes end within seconds, and with them their calls; nothing more comes from them."""
        struck[what].run.wait()
        struck[what].wait_for_silence()
        for first, second in struck[what].series():
            begin = second.opened if what == "scheduler" else struck[what].moment
            assert first.closed is not None
            assert first.closed - begin < SOON_SECONDS

    def test_the_record_tells_of_it(self, struck: dict[str, Struck], what: str) -> None:
        """The task's state has a record of the attempt in which the process died, and one of the last."""
        struck[what].run.wait()
        for step in STEPS:
            reasons = [each["reason"] for each in struck[what].run.attempts(step)]
            assert reasons[-1] == "done"
            assert len(reasons) == 2


class TestFinal:
    def test_a_crash_is_an_error_where_the_file_says_so(self, struck: dict[str, Struck]) -> None:
        """With `on_crash: false` the call is not made again, the run fails, and the log says what to do."""
        run = struck["error"].run
        assert run.wait() == "failed"
        assert run.states() == {"precious": "failed", "never": "upstream_failed", "outcome": "failed"}
        ((call,),) = struck["error"].series()
        assert call.cut
        assert "the process died during the call" in run.airflow.logs(run.dag_id, run.run_id, "precious", 2)
