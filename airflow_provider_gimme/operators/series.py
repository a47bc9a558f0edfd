"""What becomes of a fan-out when its task is tried again or cleared: which items are made again, under which keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_gimme.operators.attempts import StateStore

__all__ = ["HEAD", "Series"]

HEAD = "for_each"
"""The key of the task's state that holds it."""


@dataclass
class Series:
    """The series of a fan-out: its first run, and each clear of it while it had not succeeded.

    A retry after a crash belongs to the series that it goes on with. A clear after a success begins anew.
    """

    store: StateStore
    tries: list[int]
    """Airflow's ``max_tries`` of each series, the first one's first."""
    finished: Mapping[str, Any] | None = None
    """What :meth:`finish` has kept, where only Airflow does not know yet that the task has succeeded."""
    fixed: int | None = None
    """What is in all keys in place of a series, where each item has one key for ever."""
    _ended: bool = field(default=False, init=False)

    @classmethod
    def load(cls, store: StateStore, max_tries: int, *, undone: int | None = None, fixed: int | None = None) -> Series:
        """Return the series that a task goes on with, or begins.

        ``undone`` is the series up to which all items were undone, or may have been: those are not gone on with.
        """
        head: Mapping[str, Any] = store.get(HEAD) or {}
        tries, finished = list(head.get("tries") or ()), head.get("finished")
        if not tries or (tries[-1] != max_tries and (finished is not None or tries[-1] == undone)):
            tries, finished = [max_tries], None
        elif tries[-1] != max_tries:
            tries.append(max_tries)
        series = cls(store, tries, finished, fixed)
        series._keep()
        return series

    @property
    def first(self) -> int:
        """The ``max_tries`` that the journal belongs to."""
        return self.tries[0]

    @property
    def current(self) -> int:
        """The number of the series, which records of failures name."""
        return len(self.tries) - 1

    def key_of(self, failed_in: int | None) -> int:
        """Return the ``max_tries`` that is in the key of an item.

        It is that of the first series in which the item may have been sent since it is known to have failed.
        """
        return self.tries[0 if failed_in is None else failed_in + 1] if self.fixed is None else self.fixed

    def finish(self, output: Any, failed: Any) -> None:
        """Keep that the step has succeeded; ``output`` and ``failed`` are kept where the journal goes."""
        self.finished = {"output": output, "failed": failed}
        self._keep()

    def _keep(self) -> None:
        self.store.set(HEAD, {"tries": self.tries, "finished": self.finished})
