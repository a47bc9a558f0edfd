"""How much memory a large body takes on its way into the storage: none that grows with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Need

MB = 1024 * 1024
SIZE = int(os.environ.get("GIMME_SAVED_MB", "256"))
"""A gigabyte is measured with 1024; it takes some seconds more."""

SERVER = """
import asyncio, sys

size, block = int(sys.argv[1]), bytes(range(256)) * 4096


async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % (size << 20))
    for _ in range(size):
        writer.write(block)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
"""

TASK = """
import asyncio, re, sys
from datetime import timedelta
from pathlib import Path

import airflow_provider_gimme.steps.api_call.operator
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.http import Client, Request

base, folder = sys.argv[1:]


async def save():
    async with Client(base) as client:
        sink = Storage(f"file://{folder}", "flow").writer("large.bin")
        return await client.send(Request("GET", base), timeout=timedelta(minutes=1), sink=sink)


asyncio.run(save())
# not `ru_maxrss`, which begins with what the process had that started this one
(peak,) = re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print((Path(folder) / "flow" / "large.bin").stat().st_size, peak)
"""


@contextmanager
def served() -> Iterator[str]:
    """Serve a large body from a process of its own."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(SIZE)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.timeout(120)
def test_a_large_body_is_saved_in_constant_memory(need: Need, tmp_path: Path) -> None:
    """A process with all that a task has loaded never takes 200 MB, however large the body is."""
    need("/proc", Path("/proc/self/status").exists())
    with served() as base:
        program = [sys.executable, "-c", TASK, base, str(tmp_path)]
        ran = subprocess.run(program, capture_output=True, text=True, check=True, env={**os.environ, "NO_PROXY": "*"})
    size, peak_kilobytes = map(int, ran.stdout.split())
    assert size == SIZE * MB
    assert peak_kilobytes < 200 * 1024
