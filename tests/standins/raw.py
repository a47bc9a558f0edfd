"""A server on the level of bytes: it says exactly what it is told to say, whether or not that is HTTP.

Each :class:`Door` is an address of its own with a ledger of its own, so that one of them can be shut or speak TLS
while the others go on. What a door says is made by its script: parts that are written one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.standins.exchange import Received
from tests.standins.ledger import Ledger, Recorder

__all__ = ["Act", "Door", "Part", "RawServer", "Script"]

_Result = TypeVar("_Result")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LINGER_NOT = struct.pack("ii", 1, 0)
"""Close with a reset: what is not yet sent is thrown away (socket(7), ``SO_LINGER``)."""


class Act(Enum):
    """What can be done with a connection other than to write to it."""

    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"
    """Say nothing more; the caller has to go away."""
    SHUT = "shut"
    """Take no more connections at this door, and close this one."""


Part = bytes | float | Act
"""Bytes to write, seconds to wait, or what to do with the connection."""

Script = Callable[[Received], Iterable[Part]]
"""Takes a request and returns what is said to it; after the last part the connection is kept for the next request."""


@dataclass
class Door:
    """One address: who calls it is answered by its script."""

    script: Script
    url: str = ""
    recorder: Recorder = field(default_factory=Recorder)
    listener: asyncio.Server | None = None

    def ledger(self) -> Ledger:
        """Return every call it got."""
        return self.recorder.ledger()

    def shut(self) -> None:
        """Take no more connections; the address stays known, and nobody listens there."""
        if self.listener is not None:
            self.listener.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                received, target = await _read(reader)
                call = self.recorder.open(received.method, received.path, target, received.headers)
                self.recorder.note(call.number, body=received.body.decode("utf-8", "surrogateescape"))
                try:
                    for part in self.script(received):
                        await self._play(part, writer, call.number)
                except _EndedError:
                    return
                except ConnectionError:
                    self.recorder.note(call.number, cut=True)
                    raise
                finally:
                    self.recorder.close(call.number)

    async def _play(self, part: Part, writer: asyncio.StreamWriter, number: int) -> None:
        if isinstance(part, bytes):
            if status := _STATUS.match(part):
                self.recorder.note(number, status=int(status[1]))
            writer.write(part)
            await writer.drain()
        elif isinstance(part, Act):
            await self._act(part, writer)
        else:
            await asyncio.sleep(part)

    async def _act(self, act: Act, writer: asyncio.StreamWriter) -> None:
        if act is Act.HANG:
            await asyncio.Event().wait()
        if act is Act.RESET:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()
        if act is Act.SHUT:
            self.shut()
        raise _EndedError


class _EndedError(Exception):
    """End a connection."""


async def _read(reader: asyncio.StreamReader) -> tuple[Received, str]:
    """Read one request: what it says, and the target of its request line."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "surrogateescape")
    line, *rest = head.rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (each.partition(":") for each in rest))
    path, _, query = target.partition("?")
    received = Received(method, path, query, headers, b"")
    length = int(received.header("Content-Length") or 0)
    return Received(method, path, query, headers, await reader.readexactly(length)), target


class RawServer:
    """Run doors in a thread of their own; use it as ``with RawServer() as server``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._talks: set[asyncio.Task[None]] = set()
        self._doors: list[Door] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def open(self, script: Script, tls: ssl.SSLContext | None = None) -> Door:
        """Open a door on a free loopback port; it is ready when this returns."""
        door = Door(script)
        self._run(self._open(door, tls))
        return door

    def shut(self, door: Door) -> None:
        """Shut a door: who calls it finds nobody listening."""
        self._loop.call_soon_threadsafe(door.shut)

    async def _open(self, door: Door, tls: ssl.SSLContext | None) -> None:
        def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talk = self._loop.create_task(door.talk(reader, writer))
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)

        door.listener = await asyncio.start_server(connect, "127.0.0.1", 0, ssl=tls, backlog=1024)
        door.url = f"{'https' if tls else 'http'}://127.0.0.1:{door.listener.sockets[0].getsockname()[1]}"
        self._doors.append(door)

    async def _stop(self) -> None:
        for door in self._doors:
            door.shut()
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
