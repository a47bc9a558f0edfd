"""``POST /gimme/api/v1/resume/{token}``: something that a run waits for has happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import handle_event_submit
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import State, TaskInstanceState
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from airflow_provider_gimme.api.body import read_body
from airflow_provider_gimme.errors import StepError, TokenRefusedError
from airflow_provider_gimme.hooks.resuming import Waiting, read_token
from airflow_provider_gimme.operators.fields import EVENT_STATE, RESUME

__all__ = ["MAX_RESUME_BYTES", "receive_resume", "router"]

MAX_RESUME_BYTES = 60_000
"""The largest body: what a task's state can hold."""

router = APIRouter()


@router.post("/resume/{token}", response_model=None)
async def receive_resume(token: str, request: Request) -> JSONResponse:
    """Resume what a token stands for, with the body as its output. The token itself is the right to do so."""
    try:
        data = _json(await read_body(request, MAX_RESUME_BYTES))
        await run_in_threadpool(_resume, read_token(token), data)
    except TokenRefusedError as error:
        return JSONResponse({"detail": str(error)}, status_code=error.status)
    except StepError as error:
        return JSONResponse({"detail": str(error)}, status_code=500)
    return JSONResponse({"detail": "resumed"})


def _json(body: bytes | None) -> Any:
    if body is None:
        raise TokenRefusedError(
            f"the body has more than {MAX_RESUME_BYTES:,} bytes. Send where the data is, not the data.", 413
        )
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError):
        raise TokenRefusedError("the body is not JSON. Send JSON, or nothing.", 400) from None


def _resume(waiting: Waiting, data: Any) -> None:
    """Keep what was sent for the step, and wake it where it waits already; of two that come at once, one is taken."""
    with create_session() as session:
        task = session.scalar(
            select(TaskInstance)
            .where(
                TaskInstance.dag_id == waiting.dag_id,
                TaskInstance.run_id == waiting.run_id,
                TaskInstance.task_id == waiting.task_id,
                TaskInstance.map_index == -1,
            )
            .with_for_update(of=TaskInstance)
        )
        if task is None:
            raise TokenRefusedError("the run is not there any more.", 410)
        if task.state in State.finished:
            raise TokenRefusedError("the step does not wait any more: it has ended.", 410)
        event = {"data": data, "at": datetime.now(UTC).isoformat(), "series": None}
        _keep(session, waiting, int(task.max_tries), event)
        _answer(session, task)


def _keep(session: Session, waiting: Waiting, series: int, event: dict[str, Any]) -> None:
    """Write what has happened into the task's state, where the step finds it whenever it comes to wait."""
    run = session.scalar(select(DagRun).where(DagRun.dag_id == waiting.dag_id, DagRun.run_id == waiting.run_id))
    if run is None:
        raise TokenRefusedError("the run is not there any more.", 410)
    row = session.scalar(
        select(TaskStateStoreModel).where(
            TaskStateStoreModel.dag_run_id == run.id,
            TaskStateStoreModel.task_id == waiting.task_id,
            TaskStateStoreModel.map_index == -1,
            TaskStateStoreModel.key == EVENT_STATE,
        )
    )
    if row is not None and json.loads(row.value)["series"] in {None, series}:
        raise TokenRefusedError("this was resumed before. A resume URL can be used once.", 409)
    if row is None:
        row = TaskStateStoreModel(
            dag_run_id=run.id,
            dag_id=waiting.dag_id,
            run_id=waiting.run_id,
            task_id=waiting.task_id,
            map_index=-1,
            key=EVENT_STATE,
        )
    row.value, row.updated_at = json.dumps(event), datetime.now(UTC)
    session.add(row)


def _answer(session: Session, task: TaskInstance) -> None:
    """Answer the question that Airflow keeps while a step waits, as its own API does."""
    question = session.scalar(select(HITLDetail).where(HITLDetail.ti_id == task.id).with_for_update(of=HITLDetail))
    if question is None or question.response_received:
        return
    question.responded_by, question.responded_at = None, datetime.now(UTC)
    question.chosen_options, question.params_input = [RESUME], {}
    session.add(question)
    if task.state == TaskInstanceState.AWAITING_INPUT:
        handle_event_submit(TriggerEvent(question.as_resume_event_payload()), task_instance=task, session=session)
