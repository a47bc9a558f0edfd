"""A real HTTP server on loopback, in a thread of its own, that keeps what it got and answers as it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Got:
    """One request that came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Api:
    """The server: what it got, and what it answers by path; the last answer of a path is given again and again."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: dict[str, list[tuple[int, Any, dict[str, str]]]] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    handlers: dict[str, Callable[[Got], tuple[int, Any, dict[str, str]]]] = field(default_factory=dict)
    """What makes the answers of a path out of what came in."""

    def answer(self, path: str, status: int, body: Any = None, **headers: str) -> None:
        """Add an answer to those of a path; a body of bytes is sent as it is, any other one as JSON."""
        self.answers.setdefault(path, []).append((status, body, headers))

    def calls(self, path: str) -> list[Got]:
        """Return what came in for a path."""
        return [got for got in self.got if got.path == path]

    async def handle(self, request: web.Request) -> web.Response:
        """Keep a request and answer it."""
        got = Got(request.method, request.path_qs, dict(request.headers), await request.read())
        self.got.append(got)
        await asyncio.sleep(self.delays.get(request.path, 0))
        answers = self.answers.get(request.path, [(200, {"path": request.path}, {})])
        if request.path in self.handlers:
            answers = [self.handlers[request.path](got)]
        status, body, headers = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(
            status=status,
            body=body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}},
        )


@contextmanager
def serve_api() -> Iterator[Api]:
    """Run a server until the block ends."""
    api, loop, ready = Api(), asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=1024**3)
        app.router.add_route("*", "/{path:.*}", api.handle)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        for handler in asyncio.all_tasks(loop):
            handler.cancel()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    yield api
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
