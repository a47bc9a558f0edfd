"""Servers on loopback: real ones of aiohttp, and raw ones that break the rules."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from airflow_provider_gimme.http import Client, Request, Response

Handler = Callable[[Any], Awaitable[web.StreamResponse]]
SECOND = timedelta(seconds=1)


@dataclass
class Server:
    """A server with a ledger of what it got."""

    base: str
    calls: list[web.BaseRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.base.removeprefix("http://").removeprefix("https://")

    @property
    def lines(self) -> list[str]:
        return [f"{call.method} {call.raw_path}" for call in self.calls]


@dataclass
class RawServer:
    """A server that says what it is told to say, byte by byte, and counts what it got."""

    base: str
    requests: list[bytes] = field(default_factory=list)


Serve = Callable[..., Awaitable[Server]]
ServeRaw = Callable[..., Awaitable[RawServer]]


async def _answer(request: web.Request) -> web.StreamResponse:
    return web.json_response({"path": request.path})


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers; each gets a handler (default: it answers with the path as JSON)."""
    async with contextlib.AsyncExitStack() as stack:

        async def _serve(handler: Handler = _answer, *, ssl: Any = None) -> Server:
            server = Server("")

            async def note(request: web.BaseRequest) -> web.StreamResponse:
                server.calls.append(request)
                server.bodies.append(await request.content.read())
                return await handler(request)

            runner = web.ServerRunner(web.Server(note), shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl)
            await site.start()
            port = runner.addresses[0][1]
            server.base = f"{'https' if ssl else 'http'}://127.0.0.1:{port}"
            return server

        yield _serve


@pytest.fixture
async def serve_raw() -> AsyncIterator[ServeRaw]:
    """Start servers that answer each request on a connection with the next of their scripts.

    A script is bytes to write; a number in it is a pause in seconds; after the last script the connection is closed.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def _serve_raw(*scripts: list[bytes | float], keep: int = 1) -> RawServer:
            server = RawServer("")
            connections: set[asyncio.Task[None]] = set()

            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    for _ in range(keep):
                        server.requests.append(await reader.readuntil(b"\r\n\r\n"))
                        for part in scripts[min(len(server.requests), len(scripts)) - 1]:
                            if isinstance(part, bytes):
                                writer.write(part)
                                await writer.drain()
                            else:
                                await asyncio.sleep(part)

            def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                connections.add(asyncio.ensure_future(talk(reader, writer)))

            listener = await asyncio.start_server(connect, "127.0.0.1", 0)

            async def stop() -> None:
                listener.close()
                for task in connections:
                    task.cancel()
                await asyncio.gather(*connections, return_exceptions=True)

            stack.push_async_callback(stop)
            server.base = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            return server

        yield _serve_raw


async def call(base: str, request: Request, *, seconds: float = 5, **options: Any) -> Response:
    """Send one request with a client of its own; options that are not the client's are those of `send`."""
    names = ("attempt", "expected", "sink", "read_timeout", "judge", "limit", "on_failure")
    sending = {name: options.pop(name) for name in names if name in options}
    async with Client(base, **options) as client:
        return await client.send(request, timeout=timedelta(seconds=seconds), **sending)
