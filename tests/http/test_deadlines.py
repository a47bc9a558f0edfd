"""Many limits on one timer: each holds at its own moment, and none after its end."""

from __future__ import annotations

import asyncio

from airflow_provider_gimme.http.deadlines import Deadlines


async def bounded(deadlines: Deadlines, limit: float, work: float) -> str:
    try:
        async with asyncio.timeout(None) as clock:
            deadlines.begin(clock, limit)
            try:
                await asyncio.sleep(work)
            finally:
                deadlines.end(clock)
    except TimeoutError:
        return "late"
    return "done"


async def test_each_limit_holds_by_itself() -> None:
    """A short one that begins after a long one, one that is gone before its time, and equal ones."""
    deadlines = Deadlines()
    loop = asyncio.get_running_loop()
    began = loop.time()
    limits = [(30, 0.0), (0.2, 30), (0.1, 30), (0.2, 30), (30, 0.3), (0.0, 30)]
    outcomes = await asyncio.gather(*(bounded(deadlines, limit, work) for limit, work in limits))
    assert outcomes == ["done", "late", "late", "late", "done", "late"]
    assert 0.3 <= loop.time() - began < 20
    assert await bounded(deadlines, 0.05, 30) == "late"
    deadlines.close()


async def test_what_has_ended_is_not_cancelled_by_a_timer_that_goes_on() -> None:
    """The timer of a block fires after the block, within another one of the same task."""
    deadlines = Deadlines()
    assert await bounded(deadlines, 0.05, 0) == "done"
    await asyncio.sleep(0.2)
    assert await bounded(deadlines, 30, 0.1) == "done"
    deadlines.close()


async def test_a_cancellation_from_outside_stays_one() -> None:
    """It is not taken for a limit that was reached."""
    deadlines = Deadlines()
    task = asyncio.create_task(bounded(deadlines, 30, 30))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    deadlines.close()
