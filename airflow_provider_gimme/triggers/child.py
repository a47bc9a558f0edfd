"""Wait in the triggerer for the run of another workflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.triggers.external_task import DagStateTrigger
from airflow.triggers.base import BaseTrigger, TriggerEvent
from airflow.utils.state import DagRunState

__all__ = ["ChildTrigger"]

_EVERY = 2.0
"""Seconds between two looks at the run's state."""


class ChildTrigger(BaseTrigger):
    """Wake the task when a run has ended, or when its time is over; the task itself looks which."""

    def __init__(self, dag_id: str, run_id: str, until: datetime | str | None = None) -> None:
        """Wait for a run, until a moment if one is given (ISO text, where it comes from the database)."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.dag_id, self.run_id = dag_id, run_id
        self.until = datetime.fromisoformat(until) if isinstance(until, str) else until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger anew."""
        until = None if self.until is None else self.until.isoformat()
        return f"{__name__}.ChildTrigger", {"dag_id": self.dag_id, "run_id": self.run_id, "until": until}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event."""
        ended = [DagRunState.SUCCESS, DagRunState.FAILED]
        looks = DagStateTrigger(self.dag_id, ended, run_ids=[self.run_id], poll_interval=_EVERY).run()
        left = None if self.until is None else max((self.until - datetime.now(UTC)).total_seconds(), 0)
        told = "ended"
        try:
            await asyncio.wait_for(anext(aiter(looks)), left)
        except TimeoutError:
            told = "late"
        yield TriggerEvent({"told": told})
