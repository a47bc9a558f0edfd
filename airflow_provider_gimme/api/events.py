"""``POST /gimme/api/v1/events``: an event starts the workflows that are bound to it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from airflow_provider_gimme.api.body import read_body
from airflow_provider_gimme.api.cloudevents import MAX_EVENT_BYTES, read_event
from airflow_provider_gimme.api.starting import start_bound
from airflow_provider_gimme.errors import EventError
from airflow_provider_gimme.plan.events import Subjects

__all__ = ["read_subjects", "receive_event", "router"]

router = APIRouter()


@router.post("/events", response_model=None)
async def receive_event(request: Request, user: Annotated[BaseUser, Depends(get_user)]) -> JSONResponse:
    """Start what is bound to an event, and tell what was started, and what was not, and why."""
    try:
        event = read_event(dict(request.headers), await _body(request))
        answer = await run_in_threadpool(start_bound, event, read_subjects(), user)
    except EventError as error:
        return _refusal(error.status, str(error))
    return JSONResponse(answer)


def read_subjects() -> Subjects:
    """Return ``[gimme] event_subjects``.

    :raises EventError: where it is no JSON object of names to types.
    """
    written = conf.get("gimme", "event_subjects", fallback="") or "{}"
    wrong = EventError("[gimme] event_subjects is no JSON object from names to types. Correct it.", 500)
    try:
        found: Any = json.loads(written)
    except ValueError:
        raise wrong from None
    if not isinstance(found, dict):
        raise wrong
    lists = {name: value if isinstance(value, list) else [value] for name, value in found.items()}
    if not all(isinstance(each, str) for value in lists.values() for each in value):
        raise wrong
    return {name: tuple(value) for name, value in lists.items()}


async def _body(request: Request) -> bytes:
    body = await read_body(request, MAX_EVENT_BYTES)
    if body is None:
        raise EventError(
            f"the event has more than {MAX_EVENT_BYTES:,} bytes. Send where its data is, not the data.", 413
        )
    return body


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"detail": message}, status_code=status)
