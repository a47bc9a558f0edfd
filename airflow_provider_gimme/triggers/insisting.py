"""Make a call about a job until it is answered as it should be: fetch its result, cancel it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_gimme.http.calling import Terms, call
from airflow_provider_gimme.http.retry import RetryRules

if TYPE_CHECKING:
    from airflow_provider_gimme.http.record import CallRecord
    from airflow_provider_gimme.http.redaction import Redactor
    from airflow_provider_gimme.http.request import Response
    from airflow_provider_gimme.http.sink import Sink
    from airflow_provider_gimme.triggers.ask import Opened

__all__ = ["TO_CANCEL", "TO_CANCEL_AT_ONCE", "insist"]

TO_CANCEL = Terms(
    rules=RetryRules(limit=2, delay=timedelta(seconds=1), max_wait=timedelta(seconds=5)), timeout=timedelta(seconds=10)
)
"""A cancel is sent again for what any call is, under its one key, and not for long."""

TO_CANCEL_AT_ONCE = Terms(rules=RetryRules(limit=0), timeout=timedelta(seconds=3))
"""How a task cancels that Airflow ends: it gives five seconds in all."""


async def insist(
    opened: Opened,
    redactor: Redactor,
    terms: Terms,
    *,
    source: str | None = None,
    sink: Sink | None = None,
    on_call: Callable[[CallRecord], None] | None = None,
) -> Response:
    """Make a call, again and again as its terms say, and return its good answer.

    A link is followed from ``source``, where the answer that gave it came from.

    :raises CallError: the last attempt's.
    """
    async with opened.target.client(redactor, on_call) as client:
        request = opened.located(client, source)
        return await call(client, lambda _attempt: request, terms, sink=sink)
