"""The timetable of ``schedule: {every: 15m}``: a fixed interval, counted from a fixed moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

if TYPE_CHECKING:
    from airflow.timetables.base import TimeRestriction
    from pendulum import DateTime

__all__ = ["LATE_LIMIT", "EveryTimetable"]

LATE_LIMIT = timedelta(minutes=5)
"""A time that is past by no more than this is still run when a workflow is new: Airflow may have been a little late."""


class EveryTimetable(Timetable):
    """Run at ``anchor`` and every ``every`` after and before it.

    Airflow's own ``DeltaTriggerTimetable`` counts from the moment a Dag is first seen and runs it at once; this one has
    the same times whenever it is asked, and a new workflow first runs at the next of them.
    """

    def __init__(self, every: timedelta, anchor: datetime) -> None:
        """Make a timetable; ``every`` is at least one second, ``anchor`` has a zone."""
        self.every = every
        self.anchor = pendulum.instance(anchor).in_timezone("UTC")
        self.description = f"Every {every}"

    @property
    def summary(self) -> str:
        """The interval, as the UI shows it."""
        return f"every {self.every}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EveryTimetable):
            return NotImplemented
        return (self.every, self.anchor) == (other.every, other.anchor)

    def __hash__(self) -> int:
        return hash((self.every, self.anchor))

    def serialize(self) -> dict[str, Any]:
        """Return what :meth:`deserialize` needs, as JSON types."""
        return {"every_seconds": self.every.total_seconds(), "anchor": self.anchor.isoformat()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EveryTimetable:
        """Make the timetable that :meth:`serialize` has described."""
        return cls(timedelta(seconds=data["every_seconds"]), datetime.fromisoformat(data["anchor"]))

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the interval of a manual run: the moment itself."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next run: with ``catchup`` the first time not yet run, else none that is past but the last one."""
        now = pendulum.now("UTC")
        if last_automated_data_interval is not None:
            after = last_automated_data_interval.end
            moment = self._after(after) if restriction.catchup else max(self._after(after), self._until(now))
        elif restriction.catchup and restriction.earliest is not None:
            moment = self._from(restriction.earliest)
        else:
            moment = self._until(now)
            moment = moment if now - moment <= LATE_LIMIT else self._after(now)
        if restriction.earliest is not None:
            moment = max(moment, self._from(restriction.earliest))
        if restriction.latest is not None and moment > restriction.latest:
            return None
        return DagRunInfo.exact(moment)

    def _until(self, moment: DateTime) -> DateTime:
        return self.anchor + (moment - self.anchor).as_timedelta() // self.every * self.every

    def _after(self, moment: DateTime) -> DateTime:
        return self._until(moment) + self.every

    def _from(self, moment: DateTime) -> DateTime:
        until = self._until(moment)
        return until if until == moment else until + self.every
