"""One call for one item of a fan-out, with its attempts; or those of all its pages, which are kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.http.calling import call
from airflow_provider_gimme.operators.headers import run_headers
from airflow_provider_gimme.operators.pages import Listing
from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.http.calling import Terms
    from airflow_provider_gimme.http.client import Client
    from airflow_provider_gimme.http.request import Request, Response
    from airflow_provider_gimme.operators.fan_out import FanOut
    from airflow_provider_gimme.operators.items import Unit
    from airflow_provider_gimme.plan.call import CallWork

__all__ = ["ItemCall"]


@dataclass(slots=True)
class ItemCall:
    """What one entry of a fan-out, the step's own call or a fallback, does for one unit."""

    fan_out: FanOut
    work: CallWork
    terms: Terms
    base_url: str
    client: Client
    unit: Unit
    entry: int
    """0 for the step's own call, n for its n-th fallback."""

    async def output(self, scope: Scope) -> Any:
        """Make the call, or those of all pages, and return the output.

        :raises CallError: where an answer cannot be had.
        :raises PaginationError: where the pages do not come to an end, or are none.
        """
        if self.work.pages is not None:
            return self.work.output(scope, await self._read_pages(scope))
        return self.work.output(scope, await self._send(lambda _attempt: self._render(scope, None), scope))

    async def _read_pages(self, scope: Scope) -> Listing:
        """Return what stands for all pages."""
        if self.work.pages is None:
            raise RuntimeError("only a call with 'paginate' has pages")
        walk, items = self.work.pages.walk(scope, self.client.follow), list[Any]()
        response: Response | None = None
        while (at := walk.position) is not None:
            inside = scope.with_extra(page=walk.number)
            request = walk.request(self._render(inside, at.number))
            response = await self._send(lambda _attempt, request=request: request, inside)  # type: ignore[misc]
            items += walk.take(request, response)
        if response is None:
            raise RuntimeError("a walk has a first page")
        return Listing(response.status, response.headers, b"", "", timedelta(0), items=items)

    async def _send(self, make: Callable[[int], Request], scope: Scope) -> Response:
        """Make one call with its attempts."""
        fan_out, judge = self.fan_out, self.work.outcome.judge(scope)
        terms = self.terms if judge is None else replace(self.terms, judge=judge)
        response = await call(self.client, make, terms, on_decision=fan_out.note, sleep=fan_out.sleep)
        fan_out.ledger.progress.calls += 1
        return response

    def _render(self, scope: Scope, page: int | None) -> Request:
        fan_out, run = self.fan_out, self.fan_out.run
        headers = run_headers(run.run_id, scheduled=run.scheduled)
        key = self._key(scope, page)
        fan_out.sent = self.work.render(scope, self.base_url, key, fan_out.storage.file, headers)
        return fan_out.sent

    def _key(self, scope: Scope, page: int | None) -> str | None:
        work, run, unit = self.work, self.fan_out.run, self.unit
        if work.key_header is None and work.key_body is None:
            return None
        name = f"item {unit.id}" if self.entry == 0 else f"item {unit.id}, fallback {self.entry}"
        name = name if page is None else f"{name}, page {page}"
        tries = self.fan_out.ledger.tries_of(unit)
        key = work.key(scope, idempotency_key(run.dag_id, run.run_id, run.task_id, tries, name))
        if work.own_key is None:
            return key
        names = {one.name for one in work.own_key.references if one.kind == "name"}
        key = key if names - {"page"} else f"{key}-{unit.index}"
        return key if page is None or "page" in names else f"{key}-{page}"
