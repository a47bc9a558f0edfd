"""All pages of one step's listing: read one after the other, each kept as it comes, so that a crash costs one page."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.http.calling import Terms, call
from airflow_provider_gimme.http.client import Client
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.pagination import Position, Walk
from airflow_provider_gimme.http.record import CallRecord, format_call
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.operators.headers import with_run
from airflow_provider_gimme.operators.journal import Journal, kept
from airflow_provider_gimme.operators.large import LARGE_CHARACTERS, own_path, save_items
from airflow_provider_gimme.operators.shown import hide
from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from airflow_provider_gimme.errors import CallError
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.hooks.storage import Storage
    from airflow_provider_gimme.hooks.target import Target
    from airflow_provider_gimme.http.retry import Decision
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan.call import CallWork
    from airflow_provider_gimme.plan.paginate import PagesPlan

__all__ = ["JOURNAL", "Listing", "PagesReader"]

JOURNAL = "pages"
"""The name of the journal of pages."""

_DONE = "pages.done"
"""The key of the task's state that holds the reference to the items once their pages are kept no more."""

_TELL_SECONDS = 5.0
_WAITING_CHARACTERS = 1_000_000
"""How much may wait for the journal; then the next page waits too."""


@dataclass(frozen=True, repr=False)
class Listing(Response):
    """The answer that stands for all pages: status and headers of the last one, and all their items as the body."""

    items: list[Any] = field(default_factory=list)

    def data(self) -> list[Any]:
        """Return the items."""
        return self.items


@dataclass
class PagesReader:
    """Read the pages of one step.

    A page that was read is not asked for again, not after a crash either: the journal knows it. Each page has its own
    attempts, by ``terms``; when those of one are used up, its error is final.
    """

    run: TaskRun
    work: CallWork
    pages: PagesPlan
    scope: Scope
    target: Target
    terms: Terms
    journal: Journal
    storage: Storage
    redactor: Redactor
    log: logging.Logger | Any
    learn: Callable[[Any], None] | None = None
    """Gets each page's items where the output is sensitive; they are not put into a file by themselves then."""
    clock: Callable[[], float] = time.monotonic
    tell_seconds: float = _TELL_SECONDS
    """How often the log tells how far the reading is."""
    sent: Request | None = field(default=None, init=False)
    """The request that was made last."""
    count: int = field(default=0, init=False)
    """How many items there are so far."""
    _items: list[Any] | None = field(default_factory=list, init=False)
    """The items so far; None where they are in the journal alone."""
    _last: dict[str, Any] = field(default_factory=dict, init=False)
    """Status and headers of the last page."""

    async def read(self) -> Any:
        """Read all pages that were not read yet, and return the step's output.

        :raises CallError: where a page cannot be had.
        :raises PaginationError: where the pages do not come to an end, or are none.
        """
        done = self.run.store.get(_DONE)
        if done is not None and done["tries"] == self.run.max_tries:
            return done["output"]
        async with kept(self.journal), self._client() as client:
            walk, told = self._begin(client), self.clock()
            before = len(self.journal)
            while walk.position is not None:
                await self._page(client, walk, walk.position)
                if self.clock() - told >= self.tell_seconds:
                    told = self.clock()
                    self.log.info("%d pages so far, %d items", len(self.journal), self.count)
        pages = len(self.journal)
        self.log.info("The listing has %d pages (%d were read now), %d items", pages, pages - before, self.count)
        output = await self._output()
        if self.journal.has_parts:
            await asyncio.to_thread(self._finish, output)
        return output

    def _finish(self, output: Any) -> None:
        """Remove the pages from the storage; where the process dies before Airflow knows, the output is known here."""
        if self._is_saved:
            self.run.store.set(_DONE, {"tries": self.run.max_tries, "output": output})
        self.journal.discard()

    def _begin(self, client: Client) -> Walk:
        """Return the walk, from the page on at which the process before this one stopped."""
        position, seen = None, []
        for record in self.journal.records():
            seen.append(record["mark"])
            position = None if record["next"] is None else Position(**record["next"])
            self._take(record)
        walk = self.pages.walk(self.scope, client.follow, position, seen)
        if seen:
            self.log.info("%d pages with %d items were read before a crash; going on after them", len(seen), self.count)
            walk.position = position
        return walk

    async def _page(self, client: Client, walk: Walk, at: Position) -> None:
        """Read one page and keep it."""
        scope = self.scope.with_extra(page=walk.number)
        key = self._key(scope, at.number)

        def make(_attempt: int) -> Request:
            written = self.work.render(scope, self.target.base_url, key, self.storage.file)
            self.sent = walk.request(with_run(written, self.run.run_id, scheduled=self.run.scheduled))
            return self.sent

        def note(record: CallRecord | None, error: CallError, decision: Decision) -> None:
            told = str(error) if record is None else format_call(record, decision)
            self.log.warning("Page %d: %s", at.number, told)

        terms = replace(self.terms, judge=self.work.outcome.judge(scope))
        response = await call(client, make, terms, on_decision=note)
        items = hide(walk.take(self.sent or make(1), response), Redactor(self.target.credentials))
        if self.learn is not None:
            self.learn(items)
        record = {"mark": at.mark, "next": walk.position and walk.position.to_json(), "items": items}
        if walk.position is None:
            headers = self.redactor.redact_headers(response.headers)
            record |= {"status": response.status, "headers": headers}
        self.journal.append(record)
        self._take(record)
        if self.journal.waiting > _WAITING_CHARACTERS:
            await asyncio.to_thread(self.journal.flush)

    def _key(self, scope: Scope, number: int) -> str | None:
        """Return the idempotency key of a page: each is a call of its own."""
        run = self.run
        key = self.work.key(
            scope, idempotency_key(run.dag_id, run.run_id, run.task_id, run.max_tries, f"page {number}")
        )
        return f"{key}-{number}" if key is not None and self.work.own_key is not None else key

    def _take(self, record: dict[str, Any]) -> None:
        """Add a page's items to those so far; too many are left to the journal."""
        self.count += len(record["items"])
        self._last = {name: record[name] for name in ("status", "headers") if name in record}
        if self._is_saved:
            self._items = None
        elif self._items is not None:
            self._items.extend(record["items"])

    @property
    def _is_saved(self) -> bool:
        """Whether the items become a file: where the file says so, or they are too many for Airflow's database."""
        if self.work.save_to is not None:
            return True
        whole = self.work.transform is not None or self.work.output_map is not None or self.learn is not None
        return self.journal.size > LARGE_CHARACTERS and not whole

    async def _output(self) -> Any:
        if self._is_saved:
            path = self.work.saved_path(self.scope) or own_path(self.run, "items.jsonl")
            return await save_items(self.storage, path, self._stored())
        answer = Listing(
            self._last["status"], Headers(self._last["headers"]), b"", "", timedelta(0), items=self._items or []
        )
        return self.work.output(self.scope, answer)

    def _stored(self) -> Iterator[Any]:
        for record in self.journal.records():
            yield from record["items"]

    def _client(self) -> Client:
        return self.target.client(self.redactor, lambda record: self.log.debug("%s", format_call(record)))
