"""Ask Airflow's database about Dags: the Dag processor and the command line have one, tasks do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.sql import Executable

__all__ = ["dags_with_runs", "last_parsed"]


def dags_with_runs(dag_ids: Collection[str]) -> frozenset[str] | None:
    """Return those of ``dag_ids`` that have a queued or running run; None where this process has no database."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.state import State
    from sqlalchemy import select

    query = select(DagRun.dag_id).where(DagRun.dag_id.in_(dag_ids), DagRun.state.in_(State.unfinished_dr_states))
    rows = _rows(query.distinct())
    return None if rows is None else frozenset(dag_id for (dag_id,) in rows)


def last_parsed(dag_ids: Collection[str]) -> Mapping[str, float] | None:
    """Return when Airflow noted its last parse of each Dag it knows, in seconds since 1970; None without database."""
    from airflow.models.dag import DagModel
    from sqlalchemy import select

    query = select(DagModel.dag_id, DagModel.last_parsed_time).where(DagModel.dag_id.in_(dag_ids))
    rows = _rows(query.where(DagModel.last_parsed_time.is_not(None)))
    return None if rows is None else {dag_id: time.timestamp() for dag_id, time in rows}


def _rows(query: Executable) -> list[Any] | None:
    from airflow.utils.session import create_session
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_session() as session:
            return list(session.execute(query))
    except (RuntimeError, SQLAlchemyError):  # Airflow raises RuntimeError where the database is closed to a process
        return None
