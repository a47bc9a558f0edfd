"""What ``kill -9`` costs a fan-out: a process is killed at a random moment, and the next one goes on, twenty times.

The task's state is kept in a file, and the server counts the calls of each item. A call may be repeated only where it
was open, or answered so shortly before that it was not recorded yet.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.rows import Row

__all__ = ["measure"]

_ROOT = Path(__file__).parents[1]
_SECOND = 1.0
"""How old an answer may be that was not recorded yet."""
_ITEMS = 1500
_FILE = """
name: bench
api_base: BASE
steps:
  - name: call
    endpoint: "/things/{{ item }}"
    for_each: {items: inputs.items, max_parallel: 16}
    payload: {id: "{{ item }}"}
    response_transform: "{{ response.body.id }}"
"""


@dataclass
class _Ledger:
    """What came in: the moment of each call, by item, and its keys."""

    calls: list[tuple[int, float]] = field(default_factory=list)
    keys: dict[int, set[str]] = field(default_factory=dict)


def measure(kills: int = 20, seed: int | None = None) -> list[Row]:
    """Return the rows of this figure; ``seed`` repeats the moments of an earlier measure."""
    moments = random.Random(seed)  # noqa: S311 - no secret
    repeated, worst, lost, wrong, old = 0, 0, 0, 0, 0
    for _ in range(kills):
        ledger = _Ledger()
        with _serving(ledger) as base, TemporaryDirectory() as folder:
            killed = _kill(base, folder, moments.uniform(0.3, 1.5), ledger)
            output = json.loads(_run(base, folder))
        counts = Counter(item for item, _ in ledger.calls)
        again = {item for item, count in counts.items() if count > 1}
        first = dict(reversed(ledger.calls))
        repeated, worst = repeated + len(again), max(worst, len(again))
        old += sum(first[item] < killed - _SECOND for item in again)
        lost += _ITEMS - len(counts)
        wrong += output != list(range(_ITEMS)) or any(len(keys) > 1 for keys in ledger.keys.values())
    return [
        Row(f"calls repeated in {kills} kills, and at most in one", "calls", repeated, worst),
        Row("of them answered more than a second before the kill", "calls", old, target=0),
        Row("items lost", "items", lost, target=0),
        Row("runs with another output, or another key for a repeated call", "runs", wrong, target=0),
    ]


def _run(base: str, folder: str) -> str:
    command = [sys.executable, "-m", "benchmarks.kills", base, folder]
    ran = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()[-1]


def _kill(base: str, folder: str, seconds: float, ledger: _Ledger) -> float:
    """Begin a process, kill it some seconds after its first call, and return the moment."""
    command = [sys.executable, "-m", "benchmarks.kills", base, folder]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not ledger.calls and process.poll() is None:
            time.sleep(0.005)
        time.sleep(seconds)
        process.kill()
        return time.monotonic()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of connections that a kill has cut."""


@contextmanager
def _serving(ledger: _Ledger) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["id"]
            ledger.calls.append((item, time.monotonic()))
            ledger.keys.setdefault(item, set()).add(self.headers["Idempotency-Key"])
            time.sleep(0.01)
            body = json.dumps({"id": item}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _FileStore:
    """A task's state in a file, written whole, so that a kill leaves one that can be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self._values[key] = value
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self._values))
        new.replace(self._path)


def _call(base: str, folder: Path) -> Any:
    import asyncio

    from airflow_provider_gimme.operators.fanning import finish
    from benchmarks.fan_out import fan_out

    store = _FileStore(folder / "state.json")
    return asyncio.run(finish(fan_out(base, list(range(_ITEMS)), folder, _FILE, store)))


if __name__ == "__main__":
    print(json.dumps(_call(sys.argv[1], Path(sys.argv[2]))))
