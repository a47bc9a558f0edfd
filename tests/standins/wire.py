"""Answers on the wire: sent as they should be, or as a fault wants them."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from tests.standins.exchange import Answer, Received
from tests.standins.faults import Fault

if TYPE_CHECKING:
    from tests.standins.ledger import Recorder

__all__ = ["headers_of", "received_from", "send", "send_broken"]

_SLOW_PARTS = 20


def headers_of(request: web.Request) -> tuple[tuple[str, str], ...]:
    """Return all headers as they were sent."""
    return tuple((_text(name), _text(value)) for name, value in request.raw_headers)


def received_from(request: web.Request, body: bytes) -> Received:
    """Return the request as plain data; the path is the decoded one."""
    return Received(request.method, request.path, request.rel_url.raw_query_string, headers_of(request), body)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


async def send(request: web.Request, answer: Answer, recorder: Recorder, number: int) -> web.StreamResponse:
    """Send an answer as it should be; the call is over just before its last byte is written."""
    response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    await response.prepare(request)
    recorder.close(number, status=answer.status, replayed=answer.replayed)
    await response.write_eof()
    return response


async def send_broken(
    request: web.Request, answer: Answer, fault: Fault, recorder: Recorder, number: int
) -> web.StreamResponse:
    """Send an answer the way a fault wants it, and close the connection where it breaks."""
    if fault.slow:
        return await _send_slowly(request, answer, fault.slow, recorder, number)
    body = answer.body if fault.garbage is None else fault.garbage.encode("utf-8", "surrogateescape")
    announced = max(0, len(body) + fault.lie)
    sent = body[: len(body) // 2] if fault.cut == "body" else body
    status = None if fault.cut == "headers" else answer.status
    recorder.close(number, status=status, replayed=answer.replayed)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the caller went away")
    if fault.cut == "headers":
        transport.abort()
    else:
        transport.write(_head(answer, announced) + sent)
        transport.close()
    return web.Response()


async def _send_slowly(
    request: web.Request, answer: Answer, seconds: float, recorder: Recorder, number: int
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    size = -(-len(answer.body) // _SLOW_PARTS) or 1
    for start in range(0, len(answer.body), size):
        await asyncio.sleep(seconds / _SLOW_PARTS)
        if start + size >= len(answer.body):
            recorder.close(number, status=answer.status, replayed=answer.replayed)
        await response.write(answer.body[start : start + size])
    recorder.close(number, status=answer.status, replayed=answer.replayed)
    await response.write_eof()
    return response


def _head(answer: Answer, announced: int) -> bytes:
    headers = {**answer.headers, "Content-Length": str(announced)}
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode("latin-1")
