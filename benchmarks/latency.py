"""What ``for_each`` makes of a slow server: calls a second by the clock.

The ideal is one call after the other in each of its places, each as long as a single call by aiohttp takes by itself.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import aiohttp

from benchmarks.fan_out import FILE, PARALLEL, fan_out
from benchmarks.rows import Row
from benchmarks.server import serving

__all__ = ["SHARE", "measure"]

SHARE = 0.95
"""Of the calls a second that there are where every answer comes after the latency, and the next call at once."""

_SECONDS = 0.05
"""How long the server waits before it answers."""


def measure(calls: int = 5000, rounds: int = 4) -> list[Row]:
    """Return the rows of this figure; in each of the ``rounds`` so many ``calls`` are made."""
    from airflow_provider_gimme.operators.engine import Engine
    from airflow_provider_gimme.operators.fanning import finish

    items: list[Any] = [{"id": number, "name": f"thing {number}"} for number in range(calls)]
    speeds = []
    with serving(_SECONDS) as base:
        latency = asyncio.run(_latency(base))
        for _ in range(rounds):
            with TemporaryDirectory() as folder:
                work = fan_out(base, items, Path(folder), FILE)
                began = perf_counter()
                Engine().run(finish(work))
                speeds.append(calls / (perf_counter() - began))
    ideal = PARALLEL / latency
    figure = f"{calls:,} items, {PARALLEL} at once, {latency * 1000:.1f} ms latency: calls a second, beside the ideal"
    return [Row(figure, "calls/s", max(speeds), ideal, target=SHARE * ideal, more_is_better=True)]


async def _latency(base: str, calls: int = 20) -> float:
    """Return the seconds that one call takes, of several one after the other on one connection: the median."""
    taken = []
    async with aiohttp.ClientSession() as session:
        for _ in range(calls):
            began = perf_counter()
            async with session.get(f"{base}/things/1") as answer:
                await answer.read()
            taken.append(perf_counter() - began)
    return median(taken)
