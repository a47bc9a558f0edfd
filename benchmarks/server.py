"""A server in a process of its own that answers every request with the same JSON, at once.

It runs on uvloop, as Airflow's own API server does: what is measured is not to be the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop

__all__ = ["serving"]

_BODY = b'{"ok": true, "id": 7, "items": [1, 2, 3], "name": "a thing with a name"}'
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: bench\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
    b"X-Request-Id: 0123456789abcdef\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
_ROOT = Path(__file__).parents[1]


class _Answers(asyncio.Protocol):
    """Answer each request after a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._transport: asyncio.WriteTransport | None = None
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # of a TCP server

    def data_received(self, data: bytes) -> None:
        *requests, self._heard = (self._heard + data).split(b"\r\n\r\n")
        if self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._answer, len(requests))
        else:
            self._answer(len(requests))

    def _answer(self, count: int) -> None:
        if self._transport is not None:
            self._transport.write(_ANSWER * count)


@contextlib.contextmanager
def serving(seconds: float = 0) -> Iterator[str]:
    """Run the server, which answers after so many seconds; yield the URL it is at."""
    command = [sys.executable, "-m", "benchmarks.server", str(seconds)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - a pipe was asked for
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


async def _serve(seconds: float) -> None:
    listener = await asyncio.get_running_loop().create_server(lambda: _Answers(seconds), "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(float(sys.argv[1])))
