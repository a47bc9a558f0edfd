"""What ``for_each`` costs: calls a second, of processor time and by the clock, beside aiohttp with as many at once.

Both post the same JSON bodies to a server in another process and read the answers as JSON. Ours also renders each body,
sends a key with each call, transforms the answer, and records the output in a task's state that is kept in memory here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from types import SimpleNamespace
from typing import Any

import aiohttp

from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.hooks.target import Target
from airflow_provider_gimme.http import Redactor
from airflow_provider_gimme.http.calling import Terms
from airflow_provider_gimme.operators.engine import Engine
from airflow_provider_gimme.operators.fan_out import Entry, FanOut
from airflow_provider_gimme.operators.fanning import JOURNAL, finish
from airflow_provider_gimme.operators.items import Items
from airflow_provider_gimme.operators.journal import Codec, Journal
from airflow_provider_gimme.operators.keeping import Keeper
from airflow_provider_gimme.operators.large import StoredParts
from airflow_provider_gimme.operators.ledger import Ledger
from airflow_provider_gimme.operators.progress import Progress
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.series import Series
from airflow_provider_gimme.plan import plan_text
from benchmarks.rows import Row
from benchmarks.server import serving

__all__ = ["FILE", "PARALLEL", "SHARE", "fan_out", "measure"]

SHARE = 0.6
"""Of the calls that aiohttp alone makes in the same time of the processor."""

PARALLEL = 64
FILE = """
name: bench
api_base: BASE
steps:
  - name: call
    endpoint: "/things/{{ item.id }}"
    for_each: {items: inputs.items, max_parallel: 64}
    payload: {id: "{{ item.id }}", name: "{{ item.name }}", number: "{{ index }}", kind: thing}
    response_transform: {id: "{{ response.body.id }}", name: "{{ response.body.name }}"}
"""


@dataclass
class _Store:
    """A task's state, in memory."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.values[key] = value


def measure(calls: int = 5000, rounds: int = 10) -> list[Row]:
    """Return the rows of this figure; in each of the ``rounds`` so many ``calls`` are made."""
    with serving() as base, TemporaryDirectory() as folder:
        items = [{"id": number, "name": f"thing {number}"} for number in range(calls)]
        bare, ours = [], []
        for _ in range(rounds):
            bare.append(_speeds(calls, lambda: asyncio.run(_bare(base, items))))
            ours.append(_speeds(calls, lambda: Engine().run(_ours(base, items, Path(folder)))))
    clocks = ("calls a second of processor time", "calls a second by the clock")
    return [
        Row(
            f"{calls:,} items, {PARALLEL} at once: {clock}",
            "calls/s",
            max(speeds),
            max(rivals),
            target=SHARE * max(rivals),
            more_is_better=True,
        )
        for clock, speeds, rivals in zip(clocks, zip(*ours, strict=True), zip(*bare, strict=True), strict=True)
    ]


def _speeds(calls: int, work: Callable[[], Any]) -> tuple[float, float]:
    """Return the calls a second of processor time, and by the clock."""
    began, processor = perf_counter(), process_time()
    work()
    return calls / (process_time() - processor), calls / (perf_counter() - began)


async def _bare(base: str, items: list[dict[str, Any]]) -> list[Any]:
    """Post each item with aiohttp alone."""
    outputs: list[Any] = [None] * len(items)
    each = iter(enumerate(items))

    async def work(session: aiohttp.ClientSession) -> None:
        for index, item in each:
            body = {"id": item["id"], "name": item["name"], "number": index, "kind": "thing"}
            async with session.post(f"{base}/things/{item['id']}", json=body) as answer:
                outputs[index] = json.loads(await answer.read())

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(work(session) for _ in range(PARALLEL)))
    return outputs


async def _ours(base: str, items: list[Any], folder: Path) -> Any:
    return await finish(fan_out(base, items, folder, FILE))


def fan_out(base: str, items: Any, folder: Path, text: str, store: Any = None) -> FanOut:
    """Return the fan-out of the one step of a file, without Airflow; ``folder`` is the storage."""
    log = logging.getLogger("benchmarks")
    plan = plan_text(text.replace("BASE", base), "bench.yaml")
    (step,) = plan.steps
    work: Any = step.work
    store = _Store() if store is None else store
    task = SimpleNamespace(dag_id="bench", run_id="run", task_id="call", max_tries=4, xcom_push=lambda **_: None)
    run = TaskRun(plan, task, SimpleNamespace(run_type="manual"), store)
    storage = Storage(f"file://{folder}", "bench")
    series = Series.load(store, 4)
    parts = StoredParts(storage, run, JOURNAL, series.first)
    journal = Journal(store, JOURNAL, series.first, parts=parts, codec=Codec(str, json.loads))
    found = Items(items, storage, work.each.batch_size)
    progress = Progress(found.total)
    terms = Terms(step.retry, work.accepts, timeout=step.attempt_timeout, limit=step.attempt_limit)
    return FanOut(
        run=run,
        plan=work.each,
        entries=(Entry(work, terms, Target(base, allow_addresses=())),),
        scope=Scope(inputs={}),
        items=found,
        ledger=Ledger(journal, series, progress),
        keeper=Keeper(journal, store, progress, log, log.warning),
        storage=storage,
        redactor=Redactor(),
        log=log,
    )
