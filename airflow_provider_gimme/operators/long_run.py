"""Tell of a run that still runs after ``alerts.on_long_duration``; it runs in Airflow's triggerer.

Airflow's deadline counts from when a run was queued, and it fires for runs that have already ended; so this looks
whether the run still runs, waits until it has run for so long, and looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.operators.headers import with_run
from airflow_provider_gimme.operators.notify import DELIVERY_LIMIT, DELIVERY_RULES, accepts_delivery
from airflow_provider_gimme.operators.receiver import Receiver
from airflow_provider_gimme.operators.webhook import Event
from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from airflow_provider_gimme.hooks.target import Target
    from airflow_provider_gimme.http.redaction import Redactor
    from airflow_provider_gimme.http.request import Request

__all__ = ["deliver", "tell_long_run", "wait_until_long"]

_RANDOM = SystemRandom()
_LOOK_EVERY = timedelta(seconds=30)
_WAITING = frozenset({"queued", "running"})


async def tell_long_run(receiver: dict[str, Any], after_seconds: float, context: Mapping[str, Any]) -> str:
    """Deliver ``run.long`` if the run runs for longer than ``after_seconds``, and return what was done.

    ``receiver`` is that of the workflow, as JSON; ``context`` is Airflow's: the run as it was when the deadline passed.
    """
    run = context["dag_run"]
    dag_id, run_id = run["dag_id"], run["dag_run_id"]
    began = await wait_until_long(run, timedelta(seconds=after_seconds), _state_of(dag_id, run_id))
    if began is None:
        return "the run has ended in time"
    event = _event(run, began)
    await _tell(Receiver.from_json(receiver), event, run_id, scheduled=run.get("run_type") == "scheduled")
    return f"told of {event.id}"


async def deliver(
    request: Request,
    target: Target,
    redactor: Redactor,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    random: Callable[[], float] = _RANDOM.random,
) -> int:
    """Deliver an event, again and again as calls are, and return the receiver's status.

    :raises CallError: the last attempt's, where none was accepted.
    """
    from airflow_provider_gimme.http.calling import Terms, call

    terms = Terms(DELIVERY_RULES, accepts_delivery, timeout=DELIVERY_LIMIT)
    async with target.client(redactor) as client:
        return (await call(client, lambda _attempt: request, terms, random=random, sleep=sleep)).status


async def wait_until_long(
    run: Mapping[str, Any],
    after: timedelta,
    state: Callable[[], Awaitable[str]],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
) -> datetime | None:
    """Return when a run began, once it has run for ``after``; None where it has ended before.

    ``run`` has the run's ``start_date`` (ISO 8601, null while it is queued), ``state`` gives its state.
    """
    began = datetime.fromisoformat(run["start_date"]) if run.get("start_date") else None
    while (found := await state()) in _WAITING:
        if found == "running":
            began = began or now()
            if now() - began >= after:
                return began
        left = after if began is None else after - (now() - began)
        await sleep(max(0.0, min(_LOOK_EVERY, left).total_seconds()))
    return None


def _state_of(dag_id: str, run_id: str) -> Callable[[], Awaitable[str]]:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from asgiref.sync import sync_to_async

    async def state() -> str:
        found = await sync_to_async(RuntimeTaskInstance.get_dagrun_state)(dag_id, run_id)
        return str(getattr(found, "value", found))

    return state


def _event(run: Mapping[str, Any], began: datetime) -> Event:
    key = idempotency_key(run["dag_id"], run["dag_run_id"], "long", 0)
    data = {
        "workflow": run["dag_id"],
        "run_id": run["dag_run_id"],
        "started": began.isoformat(),
        "ended": None,
        "outputs": None,
        "steps": [],
    }
    return Event(f"msg_{key}", "run.long", datetime.now(UTC), data)


async def _tell(receiver: Receiver, event: Event, run_id: str, *, scheduled: bool) -> None:
    from asgiref.sync import sync_to_async

    from airflow_provider_gimme.hooks.secrets import Secrets
    from airflow_provider_gimme.http.redaction import Redactor

    redactor = Redactor()
    secrets = Secrets.of_file(receiver.file, redactor)
    url, secret, target = await sync_to_async(receiver.resolve)(secrets)
    request = with_run(event.request(url, secret), run_id, scheduled=scheduled)
    await deliver(request, target, redactor)
