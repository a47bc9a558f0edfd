"""What the engine adds to a call: time of the processor over the same call made by aiohttp alone.

Both send the same headers to a server in another process over one kept connection, and read the answer as JSON. The
rounds of all take turns, so that what else the machine does falls on each; the best round of each counts, since
whatever disturbs a round only adds to it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from time import process_time
from typing import Any

import aiohttp

from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.http import BearerAuth, CallRecord, Client, Redactor, Request, format_call
from airflow_provider_gimme.http.outcome import Judge
from airflow_provider_gimme.plan import plan_text
from benchmarks.rows import Row
from benchmarks.server import serving

__all__ = ["TARGET", "measure"]

TARGET = 150.0
"""Microseconds per call that all of the engine may take."""

_TOKEN = "a-token-of-some-length-as-they-are"  # noqa: S105 - of nothing
_SECRETS = ("another-secret-of-the-workflow", "p/w+ with ödd characters", _TOKEN)
_LIMIT = timedelta(seconds=30)
_HEADERS = {"Accept": "application/json", "X-Workflow-Instance": "manual__2026-11-22T12:00:00+00:00"}
_FILE = """
name: bench
api_base: http://127.0.0.1
steps:
  - name: fetch
    endpoint: /
    expect: {retry_when: response.body.id == 0, success_when: response.body.ok == true}
"""

Call = Callable[[], Awaitable[Any]]


def measure(calls: int = 500, rounds: int = 15) -> list[Row]:
    """Return the rows of this figure; ``calls`` are made in each of the ``rounds``."""
    with serving() as base:
        bare, plain, ruled = asyncio.run(_measure(base, calls, rounds))
    return [
        Row("a call by aiohttp alone", "µs", bare),
        Row("the same call by the engine: credentials, redaction, record", "µs", plain, bare),
        Row("the same call, with two rules of `expect`", "µs", ruled, bare),
        Row("what the engine adds to a call, without rules", "µs", plain - bare, target=TARGET),
        Row("what the engine adds to a call, with rules", "µs", ruled - bare, target=TARGET),
    ]


async def _measure(base: str, calls: int, rounds: int) -> list[float]:
    """Return the best time of a call in microseconds: bare, by the engine, by the engine with rules."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        client = await stack.enter_async_context(_client(base))
        ways = (_bare(session, base), _ours(client, base, None), _ours(client, base, _rules()))
        for call in ways:
            await _round(call, 50)
        taken = [[await _round(call, calls) for call in ways] for _ in range(rounds)]
    return [min(times) for times in zip(*taken, strict=True)]


async def _round(call: Call, calls: int) -> float:
    began = process_time()
    for _ in range(calls):
        await call()
    return (process_time() - began) / calls * 1e6


def _bare(session: aiohttp.ClientSession, base: str) -> Call:
    headers = {**_HEADERS, "Authorization": f"Bearer {_TOKEN}"}

    async def call() -> Any:
        async with session.get(f"{base}/v1/things?page=2&size=50", headers=headers) as answer:
            return json.loads(await answer.read())

    return call


def _client(base: str) -> Client:
    lines: list[str] = []

    def note(record: CallRecord) -> None:
        lines[:] = [format_call(record)]

    return Client(base, auth=BearerAuth(_TOKEN), redactor=Redactor(_SECRETS), on_call=note)


def _ours(client: Client, base: str, judge: Judge | None) -> Call:
    async def call() -> Any:
        request = Request("GET", f"{base}/v1/things", (("page", "2"), ("size", "50")), _HEADERS)
        return (await client.send(request, timeout=_LIMIT, judge=judge)).data()

    return call


def _rules() -> Judge | None:
    work: Any = plan_text(_FILE, "bench.yaml").steps[0].work
    judge: Judge | None = work.outcome.judge(Scope())
    return judge
