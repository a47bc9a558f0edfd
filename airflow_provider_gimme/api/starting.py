"""Start the workflows that are bound to an event, each at most once, by whoever may trigger them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.exceptions import AirflowException, DagRunAlreadyExists
from airflow.models.dag import DagModel, DagTag
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from airflow_provider_gimme.errors import EventError, ExpressionError
from airflow_provider_gimme.operators.fields import BINDINGS_FIELD, INACTIVE_FIELD, OUTCOME
from airflow_provider_gimme.plan.events import Bound, Event, Subjects, event_tag, run_id_of

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy.orm import Session

__all__ = ["start_bound"]

_LONGEST_NOTE = 1_000


@dataclass(frozen=True)
class _Listener:
    """A Dag that events start."""

    dag_id: str
    bindings: tuple[Bound, ...]
    inactive: bool


def start_bound(event: Event, subjects: Subjects, user: BaseUser) -> dict[str, Any]:
    """Start the workflows that are bound to an event, and return what became of each binding.

    :raises EventError: where there are some, and ``user`` may trigger none of them.
    """
    names = event.names(subjects)
    with create_session() as session:
        listeners = list(_listeners(names, session))
    rows: list[dict[str, Any]] = []
    seen = allowed = False
    for listener in listeners:
        found = _bound_rows(listener, event, names)
        seen = seen or bool(found)
        if found and _may(user, listener.dag_id, "POST"):
            allowed = True
            rows += [_start(row, listener, bound, event, user) for row, bound in found]
        elif found and _may(user, listener.dag_id, "GET"):
            rows += [{**row, "outcome": "refused", "reason": "you may not trigger this workflow"} for row, _ in found]
    if seen and not allowed:
        raise EventError("you may not trigger any of the workflows that this event starts.", 403)
    started = [row["run_id"] for row in rows if row["outcome"] == "started"]
    return {"id": event.id, "source": event.source, "type": event.type, "started": started, "bindings": rows}


def _bound_rows(listener: _Listener, event: Event, names: Iterable[str]) -> list[tuple[dict[str, Any], Bound]]:
    """Return the bindings of a Dag that fit an event; of one provider's the first one counts."""
    found: dict[str, tuple[dict[str, Any], Bound]] = {}
    for bound in listener.bindings:
        row = {"workflow_id": listener.dag_id, "provider": bound.provider, "priority": bound.config.priority}
        try:
            fits = bound.fits(event, names)
        except ExpressionError as error:
            found.setdefault(bound.provider, ({**row, "outcome": "refused", "reason": str(error)}, bound))
            continue
        if fits:
            found.setdefault(bound.provider, (row, bound))
    return list(found.values())


def _start(row: dict[str, Any], listener: _Listener, bound: Bound, event: Event, user: BaseUser) -> dict[str, Any]:
    """Start one run, or say why not."""
    if "outcome" in row:
        return row
    if listener.inactive:
        return {**row, "outcome": "refused", "reason": "the workflow is switched off: its file says 'active: false'"}
    run_id = run_id_of(event, bound.provider)
    try:
        trigger_dag(
            listener.dag_id,
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=user.get_name(),
            run_id=run_id,
            conf=bound.conf(event),
            note=_note(event, bound),
        )
    except (DagRunAlreadyExists, IntegrityError):
        return {**row, "outcome": "known", "run_id": run_id, "reason": "this event has started it before"}
    except (ExpressionError, AirflowException, ValueError) as error:
        return {**row, "outcome": "refused", "reason": str(error)}
    except SQLAlchemyError as error:
        return {**row, "outcome": "refused", "reason": f"the run cannot be stored: {type(error).__name__}"}
    return {**row, "outcome": "started", "run_id": run_id}


def _note(event: Event, bound: Bound) -> str:
    """Return what Airflow shows beside the run: what started it, and its priority."""
    origin = f"event '{event.type}', id '{event.id}', source '{event.source}'"
    return f"Started by {origin}; provider '{bound.provider}', priority {bound.config.priority}"[:_LONGEST_NOTE]


def _may(user: BaseUser, dag_id: str, method: Any) -> bool:
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return get_auth_manager().is_authorized_dag(
        method=method, access_entity=DagAccessEntity.RUN, details=details, user=user
    )


_known: dict[str, tuple[str, _Listener]] = {}
"""What Dags say of events, by Dag id, with the hash of the serialized Dag."""


def _listeners(names: Iterable[str], session: Session) -> Iterator[_Listener]:
    """Yield the Dags that an event of these names may start: found by their tags, read from their serialized form."""
    tags = {event_tag(name) for name in names}
    tagged = (
        select(DagTag.dag_id)
        .join(DagModel, DagModel.dag_id == DagTag.dag_id)
        .where(DagTag.name.in_(tags), DagModel.is_stale.is_(False))
    )
    newest = (
        select(SerializedDagModel.dag_id, func.max(SerializedDagModel.created_at).label("created"))
        .where(SerializedDagModel.dag_id.in_(tagged))
        .group_by(SerializedDagModel.dag_id)
        .subquery()
    )
    rows = session.execute(
        select(SerializedDagModel.dag_id, SerializedDagModel.dag_hash, SerializedDagModel.id)
        .join(
            newest,
            (SerializedDagModel.dag_id == newest.c.dag_id) & (SerializedDagModel.created_at == newest.c.created),
        )
        .order_by(SerializedDagModel.dag_id)
    ).all()
    for dag_id, dag_hash, key in rows:
        known_hash, listener = _known.get(dag_id, ("", None))
        if listener is None or known_hash != dag_hash:
            model = session.get(SerializedDagModel, key)
            listener = _read(dag_id, (model and model.data) or {})
            _known[dag_id] = (dag_hash, listener)
        yield listener


def _read(dag_id: str, data: Mapping[str, Any]) -> _Listener:
    """Return what a serialized Dag says of events; it is not deserialized for that."""
    for task in data.get("dag", {}).get("tasks", ()):
        fields = task.get("__var", task)
        if fields.get("task_id") == OUTCOME:
            bindings = tuple(map(Bound.from_text, fields.get(BINDINGS_FIELD) or ()))
            return _Listener(dag_id, bindings, inactive=bool(fields.get(INACTIVE_FIELD)))
    return _Listener(dag_id, (), inactive=False)
