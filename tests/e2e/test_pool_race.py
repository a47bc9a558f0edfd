"""Two schedulers of one Airflow on PostgreSQL start runs that bring the same pools."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.serialization.serialized_objects import DagSerialization
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import Session as DatabaseSession

from airflow_provider_gimme.build import build_workflow
from airflow_provider_gimme.listeners.pools import MARK, on_dag_run_running
from demo.database import airflow_command
from demo.environment import WORKFLOW_BUNDLE, Bundle
from demo.guard import Guard
from demo.instance import AirflowInstance
from demo.sessions import Session, end_sessions
from tests.conftest import Need
from tests.e2e.runs import PATIENCE, Run, own_text
from tests.postgresql import find_postgresql, run_postgresql

NAMES = ("pools_one", "pools_two")
ROUNDS = 50
AT_ONCE = timedelta(seconds=10)
"""How long the first tasks of a run may wait; without their pool they would wait for ever."""


@pytest.fixture(scope="module")
def database(need: Need) -> Iterator[str]:
    """Give a database on a PostgreSQL of these tests' own."""
    programs = find_postgresql()
    need("PostgreSQL", programs)
    assert programs is not None
    with run_postgresql(programs) as url:
        yield url


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the workflow files."""
    folder = tmp_path_factory.mktemp("flows")
    for name in NAMES:
        (folder / f"{name}.yaml").write_text(own_text(name, ""))
    return folder


@pytest.fixture(scope="module")
def first(database: str, flows: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowInstance]:
    """Give an Airflow on the database, whose schedulers start no more than two runs at a time."""
    instance = AirflowInstance(
        tmp_path_factory.mktemp("airflow_postgresql"),
        bundles=[Bundle("workflows", WORKFLOW_BUNDLE, {"path": str(flows), "refresh_interval": 1})],
        env={"AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "2"},
        sql_alchemy_conn=database,
        parallelism=4,
    )
    with instance:
        yield instance


@pytest.fixture(scope="module")
def second(first: AirflowInstance, engine: Engine) -> Iterator[Session]:
    """Give a second scheduler of the same Airflow, at work."""
    command = [airflow_command(), "scheduler", "--skip-serve-logs"]
    guard = Guard()
    log = first.home / "components" / "second-scheduler.log"
    session = Session(command, env=first.environment, cwd=first.home, log=log)
    guard.add(session.pid)
    try:
        first.wait(lambda: _schedulers(engine) == 2 or None, "the second scheduler", PATIENCE)
        yield session
    finally:
        end_sessions([session], timedelta(seconds=3))
        guard.close()


@pytest.fixture(scope="module")
def engine(database: str) -> Iterator[Engine]:
    made = create_engine(database)
    yield made
    made.dispose()


def _schedulers(engine: Engine) -> int:
    with engine.connect() as connection:
        statement = "select count(*) from job where job_type = 'SchedulerJob' and state = 'running'"
        return int(connection.execute(text(statement)).scalar_one())


def _pools(engine: Engine) -> dict[str, tuple[int, str | None]]:
    table: Any = Pool.__table__
    with engine.connect() as connection:
        rows = connection.execute(select(table.c.pool, table.c.slots, table.c.description)).all()
    assert len(rows) == len({name for name, _, _ in rows})
    return {str(name): (slots, description) for name, slots, description in rows}


@pytest.fixture(scope="module")
def runs(first: AirflowInstance, second: Session) -> list[Run]:
    """Give four runs of two workflows that have been let go at the same moment."""
    first.post("pools", {"name": "pools_by_hand", "slots": 7, "description": "by hand", "include_deferred": False})
    for name in NAMES:
        first.wait_dag(name, PATIENCE, file=name)
        first.patch(f"dags/{name}", {"is_paused": True})
    made = [Run(first, name, first.trigger(name, unpause=False)) for name in NAMES for _ in range(2)]
    for name in NAMES:
        first.unpause(name)
    return made


class TestSchedulers:
    def test_all_runs_succeed(self, runs: list[Run], first: AirflowInstance, second: Session) -> None:
        """Every run comes to its end, and both schedulers live on without a complaint about pools."""
        assert [run.wait() for run in runs] == ["success"] * 4
        assert first.is_running("scheduler")
        assert second.running()
        for log in (first.component_log("scheduler"), second.log):
            assert "could not be made" not in log.read_text()

    def test_first_tasks_are_scheduled_at_once(self, runs: list[Run], first: AirflowInstance) -> None:
        """A task of a bounded group is queued as its run starts: its pool is there by then."""
        for run in runs:
            run.wait()
            began = first.get(f"dags/{run.dag_id}/dagRuns/{run.run_id}")["start_date"]
            instances = first.task_instances(run.dag_id, run.run_id)
            assert instances["grouped"]["pool"] == f"gimme.{run.dag_id}.pair"
            for name in ("grouped", "shared"):
                waited = datetime.fromisoformat(instances[name]["queued_when"]) - datetime.fromisoformat(began)
                assert waited < AT_ONCE

    def test_each_pool_is_there_once(self, runs: list[Run], engine: Engine) -> None:
        """Pools have the slots of the files; the one that a person made, and Airflow's own, are as they were."""
        for run in runs:
            run.wait()
        pools = _pools(engine)
        assert pools["gimme.pools_one.pair"] == pools["gimme.pools_two.pair"] == (2, MARK)
        assert pools["pools_shared"] == (3, MARK)
        assert pools["pools_by_hand"] == (7, "by hand")
        assert pools["default_pool"][0] == 128


class Scheduler(threading.Thread):
    """Start runs in transactions of its own, as a scheduler does: several runs in each, in its own order."""

    def __init__(self, engine: Engine, rounds: list[list[Any]], barrier: threading.Barrier) -> None:
        super().__init__()
        self.engine = engine
        self.rounds = rounds
        self.barrier = barrier
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for dags in self.rounds:
                self._start_runs(dags)
        except BaseException as error:  # noqa: BLE001 - the test tells what it was
            self.error = error
            self.barrier.abort()

    def _start_runs(self, dags: list[Any]) -> None:
        with DatabaseSession(self.engine) as session:
            self.barrier.wait(60)
            for dag in dags:
                run = DagRun(dag_id=dag.dag_id, run_id="r")
                with session.no_autoflush:
                    session.add(run)
                    run.dag = dag
                    on_dag_run_running(run, "started")
                    session.expunge(run)
            session.execute(text("select 1"))  # a transaction that the database has ended would refuse it
            session.commit()


def _dag(number: int, pool: str) -> Any:
    """Return a Dag as the scheduler has it; it brings a pool of this round, of 4 slots, and the one made by hand."""
    content = f"name: race_{number}_{pool}\npools: {{race_{number}_{pool}: 4, race_by_hand: 1}}\n"
    content += "steps: [{name: a, type: transform, payload: 1}]\n"
    return DagSerialization.from_dict(DagSerialization.to_dict(build_workflow(content, file="race.yaml")))


def test_fifty_races_end_with_one_pool(engine: Engine, runs: list[Run]) -> None:
    """Fifty times two transactions start the same two Dags' runs, in opposite orders: none is ended, one pool each."""
    with engine.begin() as connection:
        row = {"pool": "race_by_hand", "slots": 9, "description": "by hand", "include_deferred": False}
        connection.execute(Pool.__table__.insert().values(row))
    rounds = [[_dag(number, "x"), _dag(number, "y")] for number in range(ROUNDS)]
    barrier = threading.Barrier(2)
    schedulers = [Scheduler(engine, rounds, barrier), Scheduler(engine, [dags[::-1] for dags in rounds], barrier)]
    for scheduler in schedulers:
        scheduler.start()
    for scheduler in schedulers:
        scheduler.join(120)
    assert [scheduler.error for scheduler in schedulers] == [None, None]
    pools = _pools(engine)
    assert {name: pools.pop(name) for name in list(pools) if name.endswith(("_x", "_y"))} == {
        f"race_{number}_{pool}": (4, MARK) for number in range(ROUNDS) for pool in "xy"
    }
    assert pools["race_by_hand"] == (9, "by hand")
