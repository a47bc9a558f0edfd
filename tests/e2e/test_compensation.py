"""Compensation on a real Airflow: what was done is undone, whatever is killed, and nothing goes on from what was."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, Run, drop, own_text, start
from tests.e2e.threads import serve

pytestmark = pytest.mark.timeout(500)

NAME = "compensation"
ITEMS = 24
EFFECTS = {"first", "left", "last", *(f"right.{number}" for number in range(ITEMS))}
LIVES = 2
"""How often one task is killed: Airflow tries a task that died three times again."""


@dataclass
class Effects:
    """An API that does things and undoes them, and knows by run and thing under which keys."""

    done: dict[tuple[str, str], dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Run and thing → key → id of what was done."""
    undone: dict[tuple[str, str], list[tuple[str, object]]] = field(default_factory=lambda: defaultdict(list))
    """Run and thing → key and id of each call that undid it."""
    order: list[tuple[str, str]] = field(default_factory=list)
    """Run and thing, in the order in which they were undone."""
    refuses: bool = True

    async def do(self, request: web.Request) -> web.Response:
        """Do a thing once per key; it takes a moment."""
        keys = self.done[self._thing(request)]
        made = keys.setdefault(request.headers["Idempotency-Key"], len(keys) + 1)
        await asyncio.sleep(0.2)
        return web.json_response({"id": made})

    async def undo(self, request: web.Request) -> web.Response:
        """Undo a thing."""
        thing = self._thing(request)
        self.order.append(thing)
        self.undone[thing].append((request.headers["Idempotency-Key"], (await request.json())["id"]))
        await asyncio.sleep(0.2)
        return web.json_response({})

    async def end(self, request: web.Request) -> web.Response:
        """Refuse, or hold the call until it is cut off."""
        if request.path == "/hold":
            await asyncio.Event().wait()
        return web.json_response({}, status=422 if self.refuses else 200)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.router.add_post("/do/{thing}", self.do)
        app.router.add_post("/undo/{thing}", self.undo)
        app.router.add_post("/{end}", self.end)
        return app

    def of(self, run: Run) -> dict[str, list[tuple[str, object]]]:
        """Return what was undone of a run, by thing."""
        return {thing: calls for (run_id, thing), calls in self.undone.items() if run_id == run.run_id}

    @staticmethod
    def _thing(request: web.Request) -> tuple[str, str]:
        return request.headers["X-Workflow-Instance"], request.match_info["thing"]


@pytest.fixture(scope="module")
def effects() -> Effects:
    return Effects()


@pytest.fixture(scope="module")
def flow(airflow: AirflowInstance, workflows: Path, effects: Effects) -> Iterator[AirflowInstance]:
    """Give the Airflow with the workflow in it."""
    with serve(effects.app) as base:
        drop(airflow, workflows, {NAME: own_text(NAME, base)})
        airflow.unpause(NAME)
        yield airflow


@pytest.fixture(scope="module")
def runs(flow: AirflowInstance) -> dict[str, Run]:
    """Start two runs that nothing happens to but what they ask for."""
    return {"plain": start(flow, NAME), "marked": start(flow, NAME, {"end": "hold"})}


@pytest.fixture(scope="module")
def killed(flow: AirflowInstance) -> list[Run]:
    """Kill tasks and supervisors of a run at random moments until it has ended."""
    victims, chance = [start(flow, NAME)], random.Random(7)  # noqa: S311 - no secret
    lives: dict[tuple[str, str], int] = defaultdict(lambda: LIVES)
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while time.monotonic() < deadline and any(_goes_on(run) for run in victims):
        time.sleep(chance.uniform(0.1, 1.5))
        run = chance.choice(victims)
        tasks = run.airflow.task_instances(NAME, run.run_id)
        at_work = sorted(name for name, each in tasks.items() if each["state"] == "running" and each["pid"])
        for name in chance.sample(at_work, min(1, len(at_work))):
            if lives[run.run_id, name]:
                lives[run.run_id, name] -= 1
                _kill(tasks[name]["pid"], supervisor=chance.random() < 0.2)
    assert sum(LIVES - left for left in lives.values()) > 3
    return victims


def _goes_on(run: Run) -> bool:
    return run.airflow.run_state(NAME, run.run_id) not in {"success", "failed"}


def _kill(pid: int, *, supervisor: bool) -> None:
    try:
        os.kill(psutil.Process(pid).ppid() if supervisor else pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return  # it has just ended by itself


def test_all_is_undone_in_reverse_order(runs: dict[str, Run], effects: Effects) -> None:
    """Each effect once, by what it gave; the run ends as failed and tells that it was compensated."""
    run = runs["plain"]
    assert run.wait() == "failed"
    undone = effects.of(run)
    assert set(undone) == EFFECTS
    assert all([made for _, made in calls] == [1] for calls in undone.values())
    order = [thing for run_id, thing in effects.order if run_id == run.run_id]
    assert (order[0], order[-1]) == ("last", "first")
    assert run.xcom("outcome", "compensation") == {
        "state": "compensated",
        "undone": ["last", "right", "left", "first"],
        "failed": {},
    }
    assert "compensated: last, right, left, first" in run.xcom("outcome", "error")["message"]


def test_a_run_marked_as_failed_is_undone(runs: dict[str, Run], effects: Effects) -> None:
    """Who ends a run in Airflow's page has it compensated."""
    run = runs["marked"]
    run.airflow.wait(partial(_is_held, run), "the last call", PATIENCE)
    run.airflow.patch(f"dags/{NAME}/dagRuns/{run.run_id}", {"state": "failed"})
    run.airflow.wait(partial(_is_told, run), "the end", PATIENCE)
    assert set(effects.of(run)) == EFFECTS
    assert run.wait() == "failed"


def _is_held(run: Run) -> bool | None:
    return run.states().get("stop") == "running" or None


def _is_told(run: Run) -> bool | None:
    return run.states()["outcome"] in {"failed", "success"} or None


def test_whatever_is_killed_each_effect_is_undone_under_one_key(killed: list[Run], effects: Effects) -> None:
    """Every effect at least once, none under two keys, at any moment of the run and of the compensation."""
    for run in killed:
        assert run.wait() == "failed"
        undone = effects.of(run)
        assert set(undone) == EFFECTS
        assert all(len({key for key, _ in calls}) == 1 for calls in undone.values())
        assert all(len(effects.done[run.run_id, thing]) == 1 for thing in EFFECTS)
        assert run.xcom("outcome", "compensation")["state"] == "compensated"


def test_nothing_goes_on_from_what_was_undone(runs: dict[str, Run], effects: Effects) -> None:
    """A step cleared in the middle says what to clear with it; the whole run, cleared, does all anew."""
    run = runs["plain"]
    run.wait()
    before = dict(effects.done)
    _clear(run, ["stop"])
    assert run.wait() == "failed"
    message = run.xcom("stop", "error")["message"]
    assert message.startswith("the run was compensated: first, left, right, last were undone")
    effects.refuses = False
    try:
        run.airflow.post(f"dags/{NAME}/dagRuns/{run.run_id}/clear", {"dry_run": False, "only_failed": False})
        assert run.wait() == "success"
    finally:
        effects.refuses = True
    assert all(len(effects.done[run.run_id, thing]) == 2 for thing in EFFECTS)
    assert set(before) >= {(run.run_id, thing) for thing in EFFECTS}
    assert all(len(calls) == 1 for calls in effects.of(run).values())


def _clear(run: Run, tasks: list[str]) -> None:
    body = {"dry_run": False, "dag_run_id": run.run_id, "task_ids": tasks, "only_failed": False}
    run.airflow.post(f"dags/{NAME}/clearTaskInstances", {**body, "include_downstream": True})
