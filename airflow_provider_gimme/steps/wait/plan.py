"""What a ``wait`` step means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow_provider_gimme.errors import ExpressionError

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.wait.config import StepConfig

__all__ = ["WaitWork", "plan_work"]


@dataclass(frozen=True)
class WaitWork:
    """One wait: ``duration``, ``until`` or ``event`` is set."""

    duration: timedelta | None
    until: Compiled[Any] | None
    event: Compiled[str] | None = None
    """What is waited for, as people read it."""

    def end(self, scope: Scope, now: datetime, zone: ZoneInfo) -> datetime:
        """Return the moment when the wait that begins ``now`` is over; ``zone`` is that of a moment without one.

        :raises ExpressionError: where ``until`` yields no moment.
        """
        if self.until is None:
            return now + (self.duration or timedelta(0))
        found = self.until.evaluate(scope)
        try:
            moment = found if isinstance(found, datetime) else datetime.fromisoformat(str(found).strip())
        except ValueError:
            said = f"'until' ({self.until.source}) is no moment: {str(found)[:100]!r}."
            raise ExpressionError(f"{said} Write one like 2026-12-24T18:00+08:00.") from None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def plan_work(config: StepConfig, context: Context) -> WaitWork:
    """Compile the end of a ``wait`` step; ``context`` stands at the step."""
    until = None if config.until is None else context.at("until").compile("value", config.until)
    if until is not None and until.constant and until.source:
        from airflow_provider_gimme.expressions import Scope

        try:
            WaitWork(None, until).end(Scope(), datetime.now(UTC), ZoneInfo(context.workflow.timezone))
        except ExpressionError as error:
            context.at("until").report(error.message)
    event = None if config.event is None else context.at("event").compile("template", config.event)
    return WaitWork(config.duration, until, event)
