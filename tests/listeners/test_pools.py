"""Pools make themselves in the scheduler's own transaction, and only ours are changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.plugins_manager import is_valid_plugin
from sqlalchemy import create_engine, select
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from airflow_provider_gimme.build.every import EveryTimetable
from airflow_provider_gimme.listeners import pools, warmup
from airflow_provider_gimme.listeners.pools import MARK, find_pools, on_dag_run_running, upsert
from airflow_provider_gimme.operators.fields import write_pools
from airflow_provider_gimme.plugin import GimmePlugin


@dataclass
class Task:
    """A task as the scheduler has it."""

    gimme_pools: Any = None


@dataclass
class Dag:
    """A Dag as the scheduler has it."""

    task_dict: dict[str, Task] = field(default_factory=dict)


def dag_of(**slots: int) -> Dag:
    return Dag({"outcome": Task(write_pools(slots))})


@pytest.fixture
def session() -> Iterator[Session]:
    """Open a session on a database that has Airflow's table of pools."""
    engine = create_engine("sqlite://")
    table: Any = Pool.__table__
    table.create(engine)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def start_run(session: Session, dag: Any) -> None:
    """Tell the listener of a run that starts, as the scheduler does."""
    run = DagRun(dag_id="d", run_id="r")
    session.add(run)
    with session.no_autoflush:
        run.dag = dag
        on_dag_run_running(run, "started")
    session.expunge(run)


def rows(session: Session) -> dict[str, tuple[int, str | None, bool]]:
    found = session.execute(select(Pool.pool, Pool.slots, Pool.description, Pool.include_deferred)).all()
    return {str(name): (slots, description, deferred) for name, slots, description, deferred in found}


def test_a_run_brings_its_pools(session: Session) -> None:
    """Before its first tasks are queued, a run's pools are there; deferred tasks count in them."""
    start_run(session, dag_of(b=2, a=3))
    assert rows(session) == {"a": (3, MARK, True), "b": (2, MARK, True)}


def test_slots_follow_the_file(session: Session) -> None:
    """A pool of ours gets the slots that the starting run's Dag says, up or down."""
    for slots in (3, 5, 1):
        start_run(session, dag_of(a=slots))
        assert rows(session)["a"][0] == slots


def test_other_pools_stay_as_they_are(session: Session) -> None:
    """A pool that a person made, or Airflow's own, is never changed, whatever a file says."""
    session.add_all(
        [
            Pool(pool="mine", slots=7, description="by hand", include_deferred=False),
            Pool(pool="plain", slots=8, description=None, include_deferred=False),
            Pool(pool="default_pool", slots=128, description=MARK, include_deferred=False),
        ]
    )
    session.commit()
    start_run(session, dag_of(mine=1, plain=1, default_pool=1))
    assert {name: row[0] for name, row in rows(session).items()} == {"mine": 7, "plain": 8, "default_pool": 128}


def test_a_dag_of_others_brings_nothing(session: Session) -> None:
    """A Dag without our field, without tasks or not there at all is left alone."""
    for dag in (Dag(), Dag({"outcome": Task()}), None, SimpleNamespace()):
        start_run(session, dag)
    assert rows(session) == {}


def test_nothing_of_the_schedulers_is_flushed(session: Session) -> None:
    """What the scheduler's session holds is not written by us: a failing flush would end the scheduler."""
    session.add(Pool(pool="pending", slots=None, description=None, include_deferred=None))
    run = DagRun(dag_id="d", run_id="r")
    session.add(run)
    run.dag = dag_of(a=1)  # type: ignore[assignment]
    on_dag_run_running(run, "started")
    assert {getattr(pending, "pool", "run") for pending in session.new} == {"pending", "run"}


def test_it_never_raises() -> None:
    """Whatever goes wrong, the scheduler goes on: a database that fails, fields that make no sense."""
    engine = create_engine("sqlite://")
    with Session(engine) as opened:
        start_run(opened, dag_of(a=1))
        with pytest.raises(OperationalError):
            opened.execute(upsert("sqlite", "a", 1))
        for written in (["a"], ["a", "many"], [None, None]):
            start_run(opened, Dag({"outcome": Task(written)}))
    engine.dispose()
    on_dag_run_running(DagRun(dag_id="d", run_id="r"), "started")


def test_names_are_in_order(session: Session) -> None:
    """Two schedulers lock pools in the same order, so that neither waits for the other for ever."""
    assert write_pools({"b": 1, "a": 2, "c": 3}) == ["a", 2, "b", 1, "c", 3]
    assert list(find_pools(dag_of(b=1, a=2))) == ["a", "b"]


@pytest.mark.parametrize(
    "name,dialect,words",
    [
        ("sqlite", sqlite, ("ON CONFLICT (pool) DO UPDATE SET slots", "WHERE slot_pool.description")),
        ("postgresql", postgresql, ("ON CONFLICT (pool) DO UPDATE SET slots", "WHERE slot_pool.description")),
        ("mysql", mysql, ("ON DUPLICATE KEY UPDATE slots = CASE WHEN", "ELSE slot_pool.slots")),
    ],
)
def test_each_database_gets_one_statement_of_its_own(name: str, dialect: Any, words: tuple[str, ...]) -> None:
    """An upsert is written in the words of the database that the scheduler works on."""
    statement: Any = upsert(name, "a", 3)
    text = str(statement.compile(dialect=dialect.dialect()))
    assert [word in text for word in words] == [True, True]


def test_the_plugin_registers_them() -> None:
    """Airflow's components find the listeners and the timetable through the plugin."""
    assert is_valid_plugin(GimmePlugin)
    assert GimmePlugin.listeners == [pools, warmup]
    assert GimmePlugin.timetables == [EveryTimetable]
