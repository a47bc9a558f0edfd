"""What became of each item of a fan-out: by the records of earlier processes, and of this one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as _text
from typing import Any, Literal

from airflow_provider_gimme.http.json_text import write_json
from airflow_provider_gimme.operators.items import Unit
from airflow_provider_gimme.operators.journal import Journal
from airflow_provider_gimme.operators.large import LARGE_CHARACTERS
from airflow_provider_gimme.operators.outputs import Outputs
from airflow_provider_gimme.operators.progress import Progress
from airflow_provider_gimme.operators.series import Series

__all__ = ["Ledger", "to_line"]

_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def to_line(value: Any) -> str:
    """Return plain data as a line of JSON in ASCII.

    :raises ValueError: where JSON has no such value (NaN, infinity).
    """
    try:
        written = write_json(value)
    except UnicodeEncodeError:  # half a character, which is ASCII where it is escaped
        return _ENCODE(value)
    return written.decode() if written.isascii() else _ENCODE(value)


_TOLD = ("index", "status", "reason", "attempts")


@dataclass
class Ledger:
    """The records of a fan-out's units: one for each that has ended, in the journal, and the outputs in order.

    ``journal`` takes lines of JSON. A failure that was recorded in an earlier series counts no more.
    """

    journal: Journal
    series: Series
    progress: Progress
    outputs: Outputs = field(default_factory=lambda: Outputs(LARGE_CHARACTERS))
    _done: dict[str, int] = field(default_factory=dict, init=False)
    """The outputs that earlier processes recorded, by the unit's id, until their units are met."""
    _failed: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)
    """The failures that earlier processes recorded last, by the unit's id."""
    _failures: dict[int, dict[str, Any]] = field(default_factory=dict, init=False)
    """The units that have failed, by number."""

    def load(self) -> int:
        """Read the records of earlier processes, and return how many there are."""
        for record in self.journal.records():
            if "output" in record:
                self._done[record["id"]] = self.outputs.keep(to_line(record["output"]))
                self._failed.pop(record["id"], None)
            else:
                self._failed[record["id"]] = record
        return len(self.journal)

    def recall(self, unit: Unit) -> Literal["done", "failed"] | None:
        """Give a unit its place, and return what became of it; None where it is to be called for."""
        self.outputs.place(unit.number, unit.count)
        if unit.id in self._done:
            self.outputs.place(unit.number, unit.count, self._done.pop(unit.id))
            self.progress.earlier += unit.count
            self.progress.done += unit.count
            return "done"
        failed = self._failed.get(unit.id)
        if failed is None or failed["series"] != self.series.current:
            return None
        self.progress.earlier += unit.count
        self._count(unit, failed)
        return "failed"

    def tries_of(self, unit: Unit) -> int:
        """Return the ``max_tries`` that is in the key of a unit."""
        failed = self._failed.get(unit.id)
        return self.series.key_of(None if failed is None else failed["series"])

    def done(self, unit: Unit, line: str) -> None:
        """Record the output of a unit, a line of JSON."""
        self.journal.append(f'{{"index":{unit.index},"id":{_text(unit.id)},"output":{line}}}')
        self.outputs.place(unit.number, unit.count, self.outputs.keep(line))
        self.progress.done += unit.count

    def failed(self, unit: Unit, status: int | None, reason: str, attempts: int) -> None:
        """Record that a unit has failed."""
        about = {"status": status, "reason": reason, "attempts": attempts}
        record = {"index": unit.index, "id": unit.id, "series": self.series.current, **about}
        self.journal.append(to_line(record))
        self._count(unit, record)

    def failures(self) -> list[dict[str, Any]]:
        """Return the items that have failed, in the list's order: index, status, reason, attempts."""
        each = (self._failures[number] for number in sorted(self._failures))
        return [
            {name: one[name] for name in _TOLD} | {"index": one["index"] + offset}
            for one in each
            for offset in range(one["count"])
        ]

    def _count(self, unit: Unit, record: dict[str, Any]) -> None:
        self._failures[unit.number] = {**record, "index": unit.index, "count": unit.count}
        self.progress.failed += unit.count
