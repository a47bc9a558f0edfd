"""A coroutine runs to its end, to its limit, or until it is stopped."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import socket
import threading
import time
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest

from airflow_provider_gimme.errors import CallTimeoutError
from airflow_provider_gimme.operators.engine import Engine, _FewAtOnce


async def forever() -> None:
    await asyncio.sleep(60)


async def give(value: int) -> int:
    return value


def test_it_returns_what_the_work_returns() -> None:
    """Work that ends in time gives its result, again and again."""
    engine = Engine()
    assert [engine.run(give(1), timedelta(seconds=5)), engine.run(give(2))] == [1, 2]


def test_a_limit_ends_the_work() -> None:
    """Work that takes too long ends with an error that names the limit."""
    with pytest.raises(CallTimeoutError, match="limit of 50ms"):
        Engine().run(forever(), timedelta(milliseconds=50))


def test_an_error_of_the_work_is_kept() -> None:
    """A timeout within the work is its own, not that of the limit."""

    async def fail() -> None:
        raise CallTimeoutError("its own")

    with pytest.raises(CallTimeoutError, match="its own"):
        Engine().run(fail(), timedelta(seconds=5))


def test_a_signal_ends_the_work() -> None:
    """Airflow ends a task by SIGTERM; the handler stops the loop, which else would go on waiting."""
    engine = Engine()
    before = signal.signal(signal.SIGTERM, lambda *_: engine.stop("told to stop"))
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    began = time.monotonic()
    try:
        with pytest.raises(asyncio.CancelledError, match="told to stop"):
            engine.run(forever(), timedelta(seconds=30))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() - began < 5


def test_a_lost_parent_ends_the_work() -> None:
    """When the process that watches over the task is gone, the task stops by itself."""
    parents = iter([100, 100, 100])
    engine = Engine(parent=lambda: next(parents, 1), watch_every=timedelta(milliseconds=10))
    with pytest.raises(asyncio.CancelledError, match="supervisor of this task is gone"):
        engine.run(forever(), timedelta(seconds=30))


def test_stopping_nothing_is_nothing() -> None:
    """A signal before or after the work does no harm."""
    engine = Engine()
    engine.stop("early")
    engine.run(give(1))
    engine.stop("late")
    assert engine.run(give(2)) == 2


def test_sockets_are_read_from_in_turn() -> None:
    """Some at a time, so that what came of them goes on; none again before all had their turn; no closed one at all."""
    with ExitStack() as stack:
        looked = stack.enter_context(closing(_FewAtOnce()))
        pairs = [socket.socketpair() for _ in range(20)]
        for number, (here, there) in enumerate(pairs):
            stack.callback(here.close)
            stack.callback(there.close)
            looked.register(here, selectors.EVENT_READ, number)
            there.send(b"x")
        first = [key.data for key, _ in looked.select(0)]
        looked.unregister(pairs[19][0])
        pairs[first[0]][1].send(b"more")
        second, third = ([key.data for key, _ in looked.select(0)] for _ in range(2))
        assert [len(each) for each in (first, second, third)] == [8, 8, 3]
        assert sorted(first + second + third) == list(range(19))
        assert len(looked.select(0)) == 8
