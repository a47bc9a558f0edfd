"""A fan-out on a real Airflow: what is called for again when its processes are killed, or it is marked and cleared."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web

from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, Run, drop, own_text, start
from tests.e2e.threads import serve

ITEMS, GATE, PARALLEL = 300, 150, 8
OUTPUT = [number * 10 for number in range(ITEMS)]
SOON_SECONDS = 12
"""How long calls may stay open that are to end within a second, on a machine that has other things to do."""


@dataclass
class Got:
    """One call that came in."""

    item: int
    key: str
    closed: float | None = None
    """When it was answered or cut off, on this machine's monotonic clock."""
    answered: bool = False


@dataclass
class Things:
    """An API that answers at once for the first items of a run, and for the others when the run is let go."""

    url: str = ""
    got: dict[str, list[Got]] = field(default_factory=dict)
    """What came in, by run."""
    free: set[str] = field(default_factory=set)
    """The runs that are let go."""

    async def thing(self, request: web.Request) -> web.Response:
        """Answer for one item."""
        run, item = request.headers["X-Workflow-Instance"], (await request.json())["n"]
        got = Got(item, request.headers["Idempotency-Key"])
        self.got.setdefault(run, []).append(got)
        try:
            while item >= GATE and run not in self.free:  # noqa: ASYNC110 - a thread lets them go
                await asyncio.sleep(0.05)
            got.answered = True
            return web.json_response({"tenfold": item * 10})
        finally:
            got.closed = time.monotonic()

    def open_of(self, run: Run) -> list[Got]:
        """Return the calls of a run that are open."""
        return [got for got in self.got.get(run.run_id, ()) if got.closed is None]

    def counts(self, run: Run) -> Counter[int]:
        """Return how often each item of a run was called for."""
        return Counter(got.item for got in self.got[run.run_id])

    def keys(self, run: Run) -> dict[int, set[str]]:
        """Return the keys of each item of a run."""
        found: dict[int, set[str]] = {}
        for got in self.got[run.run_id]:
            found.setdefault(got.item, set()).add(got.key)
        return found


@pytest.fixture(scope="module")
def api() -> Iterator[Things]:
    things = Things()

    def make() -> web.Application:
        app = web.Application()
        app.router.add_post("/things", things.thing)
        return app

    with serve(make) as things.url:
        yield things


@dataclass
class Struck:
    """Runs that were struck in the middle, and what was known then."""

    runs: dict[str, Run]
    progress: dict[str, Any]
    """What the task's state said before the blow."""
    cut: dict[str, list[Got]]
    """The calls that were open when the blow fell."""
    moment: float = 0


def progress_of(run: Run) -> dict[str, Any]:
    """Return the progress of a run's fan-out, as Airflow's REST API tells it while it runs."""
    try:
        found: dict[str, Any] = run.airflow.task_state(run.dag_id, run.run_id, "fan").get("progress") or {}
    except KeyError:
        return {}
    return found


def ended(calls: list[Got]) -> bool | None:
    """Say whether calls are answered or cut off; None where they are not."""
    return all(got.closed is not None for got in calls) or None


@pytest.fixture(scope="module")
def struck(airflow: AirflowInstance, workflows: Path, api: Things) -> Struck:
    """Hold three runs in the middle, strike each in its own way, and let go."""
    drop(airflow, workflows, {"fan_out": own_text("fan_out", api.url)})
    runs = {what: start(airflow, "fan_out") for what in ("task", "supervisor", "marked")}

    def held(run: Run) -> bool | None:
        known = progress_of(run)
        return (len(api.open_of(run)) == PARALLEL and known.get("done") == GATE) or None

    for run in runs.values():
        airflow.wait(partial(held, run), f"calls that are held: {run.run_id}", PATIENCE)
    found = Struck(runs, progress_of(runs["marked"]), {what: api.open_of(run) for what, run in runs.items()})
    pids = {what: airflow.task_instances("fan_out", run.run_id)["fan"]["pid"] for what, run in runs.items()}
    found.moment = time.monotonic()
    os.kill(pids["task"], signal.SIGKILL)
    os.kill(psutil.Process(pids["supervisor"]).ppid(), signal.SIGKILL)
    path = f"dags/fan_out/dagRuns/{runs['marked'].run_id}/taskInstances/fan"
    airflow.patch(path, {"new_state": "failed", "include_downstream": False})
    for what, calls in found.cut.items():
        airflow.wait(partial(ended, calls), f"the end of calls: {what}", PATIENCE)
    assert runs["marked"].wait() == "failed"
    api.free |= {run.run_id for run in runs.values()}
    clear(runs["marked"])
    return found


def clear(run: Run) -> None:
    body = {"dry_run": False, "dag_run_id": run.run_id, "task_ids": ["fan"], "include_downstream": True}
    run.airflow.post(f"dags/{run.dag_id}/clearTaskInstances", {**body, "only_failed": False})


@pytest.mark.timeout(400)
class TestStruck:
    @pytest.mark.parametrize("what", ["task", "supervisor", "marked"])
    def test_only_what_was_open_is_called_for_again(self, struck: Struck, api: Things, what: str) -> None:
        """None is lost, each has one key, and the output is that of a run that nobody has disturbed."""
        run = struck.runs[what]
        assert run.wait() == "success"
        assert run.xcom("fan") == OUTPUT
        counts = api.counts(run)
        assert set(counts) == set(range(ITEMS))
        assert {item for item, count in counts.items() if count > 1} == {got.item for got in struck.cut[what]}
        assert max(counts.values()) == 2
        assert {len(keys) for keys in api.keys(run).values()} == {1}

    @pytest.mark.parametrize("what", ["task", "supervisor", "marked"])
    def test_it_stops_at_once(self, struck: Struck, what: str) -> None:
        """The calls that were open are cut off, also where the supervisor is gone, and before that nothing is begun."""
        assert len(struck.cut[what]) == PARALLEL
        assert not any(got.answered for got in struck.cut[what])
        assert all(got.closed is not None and got.closed - struck.moment < SOON_SECONDS for got in struck.cut[what])

    def test_its_progress_is_told_while_it_runs(self, struck: Struck) -> None:
        """By Airflow's REST API."""
        told = struck.progress
        assert {name: told[name] for name in ("total", "done", "failed", "in_flight")} == {
            "total": ITEMS,
            "done": GATE,
            "failed": 0,
            "in_flight": PARALLEL,
        }
        assert told["calls_per_second"] >= 0
        assert "seconds_left" in told

    def test_a_success_that_is_cleared_begins_anew(self, struck: Struck, api: Things) -> None:
        """Every item is called for again, under a new key."""
        run = struck.runs["task"]
        assert run.wait() == "success"
        before, keys = api.counts(run), api.keys(run)
        clear(run)
        assert run.wait() == "success"
        after = api.counts(run)
        assert {after[item] - before[item] for item in range(ITEMS)} == {1}
        assert all(len(each - keys[item]) == 1 for item, each in api.keys(run).items())
        assert run.xcom("fan") == OUTPUT
