"""Pools make themselves: before the first tasks of a run are queued, its pools are there.

A task whose pool does not exist is never scheduled, and a Dag file cannot make one: it has no database. This listener
runs in the scheduler, in the scheduler's own transaction. There a savepoint, another session or a failing flush would
stop the scheduler, again at every start; so all it does is to look which pools are right already, and to execute one
upsert for each that is not, and it never raises. The scheduler starts several runs in one transaction: two of them that
locked the same pools in another order would block each other, and the database would end the transaction of one. So the
row of ``default_pool``, which is always there, is locked before any other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from airflow_provider_gimme.operators.fields import OUTCOME, POOLS_FIELD

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy import Executable
    from sqlalchemy.orm import Session

__all__ = ["MARK", "find_pools", "on_dag_run_running", "upsert"]

MARK = "Made by airflow-provider-gimme for the workflows that name it."
"""The description of the pools that are ours to change."""

_log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:  # noqa: ARG001 - Airflow gives arguments by their names
    """Make the pools of a run that starts, or give them the slots that its Dag says."""
    from sqlalchemy.orm import object_session

    try:
        session = object_session(dag_run)
        if session is None:
            return
        with session.no_autoflush:
            _make_pools(session, find_pools(dag_run.dag))
    except Exception:  # noqa: BLE001 - whatever is wrong may not stop the scheduler; the run waits, and this says why
        _log.warning("the pools of a run could not be made, so its tasks may wait", exc_info=True)


def find_pools(dag: Any) -> dict[str, int]:
    """Return the pools that a serialized Dag brings, name to slots; none for a Dag that is not ours."""
    written = getattr(getattr(dag, "task_dict", {}).get(OUTCOME), POOLS_FIELD, None)
    if not isinstance(written, list):
        return {}
    return {str(name): int(slots) for name, slots in zip(written[::2], written[1::2], strict=True)}


def _make_pools(session: Session, wanted: Mapping[str, int]) -> None:
    """Make the pools that are missing, and change those of ours that have other slots; lock nothing otherwise."""
    from airflow.models.pool import Pool
    from sqlalchemy import select

    if not wanted:
        return
    table: Any = Pool.__table__
    columns = (table.c.pool, table.c.slots, table.c.description)
    rows = session.execute(select(*columns).where(table.c.pool.in_(wanted)))
    found = {name: (slots, description) for name, slots, description in rows}
    wrong = {name: slots for name, slots in wanted.items() if _is_wrong(found.get(name), slots)}
    if wrong:
        session.execute(select(table.c.id).where(table.c.pool == Pool.DEFAULT_POOL_NAME).with_for_update())
    for name, slots in sorted(wrong.items()):
        session.execute(upsert(session.get_bind().dialect.name, name, slots))


def _is_wrong(found: tuple[int, str | None] | None, slots: int) -> bool:
    """Say whether a pool is not there, or is ours and has other slots."""
    return found is None or (found[1] == MARK and found[0] != slots)


def upsert(dialect: str, name: str, slots: int) -> Executable:
    """Return the statement that makes a pool, or gives one that is ours its slots; any other pool stays as it is.

    It is made of the table, not of the class: a statement on the class would first flush what else the session holds.
    """
    from airflow.models.pool import Pool
    from sqlalchemy import and_, case
    from sqlalchemy.dialects import mysql, postgresql, sqlite

    table: Any = Pool.__table__
    row = {"pool": name, "slots": slots, "description": MARK, "include_deferred": True}
    ours = and_(table.c.description == MARK, table.c.pool != Pool.DEFAULT_POOL_NAME)
    if dialect == "mysql":
        changed = case((ours, slots), else_=table.c.slots)
        return mysql.insert(table).values(row).on_duplicate_key_update(slots=changed)
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).values(row)
    made: Executable = statement.on_conflict_do_update(index_elements=["pool"], set_={"slots": slots}, where=ours)
    return made
