"""Schedulers that start runs with the same pools at the same moment, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from airflow_provider_gimme.listeners.pools import on_dag_run_running
from tests.conftest import Need
from tests.listeners.test_pools import dag_of
from tests.postgresql import find_postgresql, run_postgresql

ROUNDS = 50
SCHEDULERS = 2
_TABLE: Any = Pool.__table__


@pytest.fixture(scope="module")
def postgresql(need: Need) -> Iterator[Engine]:
    """Give a PostgreSQL of these tests' own that has Airflow's table of pools, with Airflow's own pool in it."""
    programs = find_postgresql()
    need("PostgreSQL", programs)
    assert programs is not None
    with run_postgresql(programs) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "create table slot_pool (id serial primary key, pool varchar(256) unique, slots int, description text,"
                " include_deferred bool not null, team_name varchar(50))"
            )
            connection.execute(_TABLE.insert().values(pool="default_pool", slots=128, include_deferred=False))
        yield engine
        engine.dispose()


def _start_run(session: Session, slots: dict[str, int]) -> None:
    """Tell the listener of a run that starts, in the session of a scheduler."""
    run = DagRun(dag_id="d", run_id="r")
    with session.no_autoflush:
        session.add(run)
        run.dag = dag_of(**slots)  # type: ignore[assignment]
        on_dag_run_running(run, "started")
        session.expunge(run)


def _schedule(engine: Engine, barrier: threading.Barrier, slots: dict[str, int], failures: list[BaseException]) -> None:
    """Start runs as a scheduler does: in one transaction, with other work in it, all at the same moment."""
    try:
        for _ in range(ROUNDS):
            with Session(engine) as session:
                barrier.wait(30)
                _start_run(session, slots)
                assert session.scalar(select(func.count()).select_from(Pool)) == 1 + len(slots)
                session.commit()
    except BaseException as error:  # noqa: BLE001 - the test tells what a thread died of
        failures.append(error)
        barrier.abort()


def test_schedulers_race_for_the_same_pools(postgresql: Engine) -> None:
    """Fifty times two schedulers bring the same pools, with different slots: no crash, no deadlock, one row each."""
    assert {column.name for column in _TABLE.columns} == {
        "id",
        "pool",
        "slots",
        "description",
        "include_deferred",
        "team_name",
    }
    barrier, failures = threading.Barrier(SCHEDULERS), list[BaseException]()
    threads = [
        threading.Thread(
            target=_schedule, args=(postgresql, barrier, {"a": 2 + number, "b": 3, "c": 4 + number}, failures)
        )
        for number in range(SCHEDULERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert failures == []
    with postgresql.connect() as connection:
        found = sorted(
            (str(name), int(slots)) for name, slots in connection.execute(select(_TABLE.c.pool, _TABLE.c.slots))
        )
    assert [name for name, _ in found] == ["a", "b", "c", "default_pool"]
    assert found[1] == ("b", 3)


def test_two_transactions_that_start_the_same_runs_in_opposite_orders_both_end(postgresql: Engine) -> None:
    """A scheduler starts several runs in one transaction: another one, with the same pools, waits for its end."""
    meeting, failures = threading.Barrier(2), list[BaseException]()

    def start_runs(*names: str) -> None:
        try:
            with Session(postgresql) as session:
                for name in names:
                    _start_run(session, {name: 2})
                    with suppress(threading.BrokenBarrierError):
                        meeting.wait(1)  # each would now hold what the other wants next
                session.execute(select(1))
                session.commit()
        except DBAPIError as error:
            failures.append(error)

    threads = [threading.Thread(target=start_runs, args=names) for names in (("x", "y"), ("y", "x"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    with postgresql.connect() as connection:
        found = connection.execute(select(_TABLE.c.pool).where(_TABLE.c.pool.in_(["x", "y"]))).scalars()
        assert sorted(found) == ["x", "y"]
