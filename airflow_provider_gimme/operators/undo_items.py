"""The items of a fan-out that are undone: what its task records is also told where the task that undoes them reads.

A task's state is for the task itself; XComs are for all tasks of the run, and go at each of its tries. So a fan-out
that can be undone writes its records into both, and from the state into the XComs anew when it is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.http.retry import is_refusal
from airflow_provider_gimme.operators.items import Items
from airflow_provider_gimme.operators.journal import Codec, Journal
from airflow_provider_gimme.operators.large import StoredParts

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.attempts import StateStore
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan.for_each import ItemsPlan

__all__ = ["Mirror", "undoable_items"]

_PREFIX = "undo."
"""Before the XCom keys, so that they are not taken for outputs."""

_BEGUN = "begun"
"""The key of how many items may have been begun."""


@dataclass(frozen=True)
class Mirror:
    """The state of a fan-out that can be undone: whatever is written is told in an XCom too."""

    run: TaskRun
    journal: str
    """The name of the fan-out's journal."""
    series: int
    """The series that its records belong to."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value."""
        return self.run.store.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Keep a value, and tell it."""
        self.run.store.set(key, value)
        self.run.push(f"{_PREFIX}{key}", value)

    def begin(self, count: int) -> None:
        """Tell that so many items, from the first one on, may be begun from now on."""
        if count > _begun(self, self.series):
            self.set(_BEGUN, {"series": self.series, "count": count})

    def renew(self) -> None:
        """Tell what an earlier try has written."""
        number = 0
        for key in (_BEGUN, self.journal):
            self._tell(key)
        while self._tell(f"{self.journal}.{number}"):
            number += 1

    def _tell(self, key: str) -> bool:
        value = self.get(key)
        if value is not None:
            self.run.push(f"{_PREFIX}{key}", value)
        return value is not None


@dataclass(frozen=True)
class _Told:
    """The state of a fan-out as another task of the run reads it."""

    run: TaskRun

    def get(self, key: str, default: Any = None) -> Any:
        found = self.run.pull(self.run.task_id, f"{_PREFIX}{key}")
        return default if found is None else found

    def set(self, key: str, value: Any) -> None:
        raise RuntimeError(f"'{key}' is the fan-out's own, and {value!r} was to be written")


async def undoable_items(run: TaskRun, each: ItemsPlan, scope: Scope, name: str, codec: Codec) -> list[dict[str, Any]]:
    """Return the items of a fan-out that were done or may have been, the last one first.

    ``run`` is that of the fan-out's task, ``name`` and ``codec`` are those of its journal. Each is a map of ``id``,
    ``index``, ``item`` and ``output``, which is null where nobody knows it.
    """
    told, storage = _Told(run), Storage.of(run.dag_id)
    series = int((told.get(_BEGUN) or {}).get("series", -1))
    journal = Journal(told, name, series, parts=StoredParts(storage, run, name, series), codec=codec)
    outputs, refused = _recorded(journal)
    begun = _begun(told, series)
    found: list[dict[str, Any]] = []

    def key(index: int, value: Any) -> str:
        return "" if each.key is None else each.key.evaluate(each.scope(scope, index, value))

    items = Items(each.items.evaluate(scope), storage, each.batch_size)
    async for block in items.blocks(None if each.key is None else key):
        for unit in block:
            may = unit.index < begun and unit.id not in refused
            if unit.id in outputs or may:
                output = outputs.get(unit.id)
                found.append({"id": unit.id, "index": unit.index, "item": unit.value, "output": output})
    return found[::-1]


def _begun(store: StateStore, series: int) -> int:
    """Return how many items of a series may have been begun."""
    found = store.get(_BEGUN) or {}
    return int(found["count"]) if found.get("series") == series else 0


def _recorded(journal: Journal) -> tuple[dict[str, Any], set[str]]:
    """Return the outputs of the items that were done, and the items that are known not to have been, by their ids."""
    outputs: dict[str, Any] = {}
    refused: set[str] = set()
    for record in journal.records():
        if "output" in record:
            outputs[record["id"]] = record["output"]
        elif _is_refused(record):
            refused.add(record["id"])
        else:
            refused.discard(record["id"])
    return outputs, refused - outputs.keys()


def _is_refused(record: Mapping[str, Any]) -> bool:
    """Say whether an item that failed is known not to have been done: it was refused, or never sent."""
    status = record["status"]
    if status is None:
        return int(record["attempts"]) == 0
    return is_refusal(int(status))
