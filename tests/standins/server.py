"""The server: takes calls for one service, writes the ledger, has the faults it is told to, and is controlled.

Control, under ``/_standin/`` and never in the ledger::

    GET  /_standin/ledger       every call, and how many were open at once
    GET  /_standin/state        what the service has stored
    POST /_standin/faults       a fault to have from now on (the fields of Fault)
    POST /_standin/limits       a limit to keep from now on (the fields of Limit)
    POST /_standin/settings     settings of the service, such as the time its work takes
    POST /_standin/reset        forget calls, faults, limits, settings and all that is stored; end what hangs
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.standins.exchange import Received, Refusal
from tests.standins.faults import Fault, Faults, Limit, Limits
from tests.standins.ledger import Recorder
from tests.standins.system import System
from tests.standins.wire import headers_of, received_from, send, send_broken

__all__ = ["CONTROL", "Server", "serve"]

CONTROL = "/_standin"
"""The prefix of the control API."""

_GONE = (asyncio.CancelledError, ConnectionError, web.RequestPayloadError)


class Server:
    """One service on the network."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._hung: list[web.Request] = []
        self._forget()

    def _forget(self) -> None:
        self._recorder = Recorder()
        self._faults = Faults()
        self._limits = Limits()

    def app(self) -> web.Application:
        """Return the application: the control API, and the service under every other path."""
        app = web.Application(client_max_size=0)
        app.router.add_get(f"{CONTROL}/ledger", self._get_ledger)
        app.router.add_get(f"{CONTROL}/state", self._get_state)
        app.router.add_post(f"{CONTROL}/reset", self._reset)
        actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "faults": lambda data: self._faults.add(Fault.from_json(data)),
            "limits": lambda data: self._limits.set(Limit(**data)),
            "settings": self._system.configure,
        }
        for name, action in actions.items():
            app.router.add_post(f"{CONTROL}/{name}", _changing(action))
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        recorder = self._recorder
        call = recorder.open(request.method, request.path, request.raw_path, headers_of(request))
        try:
            received = received_from(request, await request.read())
            recorder.note(call.number, body=received.body.decode("utf-8", "surrogateescape"))
            return await self._answer(request, received, recorder, call.number)
        except _GONE:
            recorder.close(call.number, cut=True)
            raise
        finally:
            recorder.close(call.number)

    async def _answer(
        self, request: web.Request, received: Received, recorder: Recorder, number: int
    ) -> web.StreamResponse:
        try:
            self._limits.check(received, recorder.open_now(received.path))
        except Refusal as refusal:
            recorder.note(number, fault="limit")
            return await send(request, refusal.answer, recorder, number)
        fault = self._faults.pick(received)
        if fault is None:
            return await send(request, await self._system.answer(received), recorder, number)
        recorder.note(number, fault=str(fault))
        return await self._go_wrong(request, received, fault, recorder, number)

    async def _go_wrong(
        self, request: web.Request, received: Received, fault: Fault, recorder: Recorder, number: int
    ) -> web.StreamResponse:
        await asyncio.sleep(fault.stall)
        if fault.hang:
            await self._hang(request)
        answer = None
        if fault.status is None or fault.processed:
            answer = await self._system.answer(received)
        if answer is None or fault.status is not None:
            answer = fault.answer()
        if fault.slow or fault.cut or fault.lie or fault.garbage is not None:
            return await send_broken(request, answer, fault, recorder, number)
        return await send(request, answer, recorder, number)

    async def _hang(self, request: web.Request) -> None:
        """Wait until the caller goes away, or a reset cuts the connection."""
        self._hung.append(request)
        try:
            await asyncio.Event().wait()
        finally:
            self._hung.remove(request)

    async def _get_ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self._recorder.ledger().to_json())

    async def _get_state(self, request: web.Request) -> web.Response:
        return web.json_response(self._system.state())

    async def _reset(self, request: web.Request) -> web.Response:
        for hung in self._hung:
            if hung.transport is not None:
                hung.transport.abort()
        self._forget()
        self._system.reset()
        return web.json_response({})


def _changing(action: Callable[[dict[str, Any]], None]) -> Callable[[web.Request], Any]:
    async def _handle(request: web.Request) -> web.Response:
        try:
            action(json.loads(await request.read()))
        except (TypeError, ValueError) as error:
            return web.json_response({"error": {"code": "invalid_request", "message": str(error)}}, status=400)
        return web.json_response({})

    return _handle


@asynccontextmanager
async def serve(system: System, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve a system and yield its URL; port 0 takes a free one."""
    runner = web.AppRunner(Server(system).app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()
