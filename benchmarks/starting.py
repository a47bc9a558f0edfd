"""How soon a task starts in a folder of a thousand workflows, beside one in a folder of its own: on a running Airflow.

What counts is from the moment at which the task is queued to its call's arrival. The runs of both take turns, and the
median counts. Airflow's Dag processor, which would go on reading the other files, is ended before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.rows import Row
from benchmarks.site import Site, running

__all__ = ["SLOWER", "Arrivals", "arrivals", "measure", "measure_on", "workflow"]

SLOWER = 1.1
"""How many times as long as in a folder of one."""

_ALONE, _AMONG = "bench_alone", "bench_among_many"
_FILE = """
name: NAME
api_base: BASE
steps:
  - {name: call, endpoint: /NAME}
"""


@dataclass
class Arrivals:
    """A server's address, and when it was called last, by path."""

    base: str = ""
    moments: dict[str, float] = field(default_factory=dict)


def measure(files: int = 1000) -> list[Row]:
    """Return the row of this figure; ``files`` are in the large folder."""
    with arrivals() as server, TemporaryDirectory() as folder:
        one, many = Path(folder, "one"), Path(folder, "many")
        for path in (one, many):
            path.mkdir()
        (one / f"{_ALONE}.yaml").write_text(workflow(_ALONE, server.base), encoding="utf-8")
        for name in (_AMONG, *(f"bench_other_{number}" for number in range(files - 1))):
            (many / f"{name}.yaml").write_text(workflow(name, server.base), encoding="utf-8")
        with running(folders={"one": one, "many": many}) as site:
            for name in (_ALONE, _AMONG):
                site.wait_for(name)
            site.airflow.kill("dag-processor")
            return measure_on(site, server, (_ALONE, _AMONG), files)


def measure_on(site: Site, server: Arrivals, names: tuple[str, str], files: int, rounds: int = 9) -> list[Row]:
    """Return the row for the workflow alone and the one among ``files``, the median of so many ``rounds``."""
    taken: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        site.run(name)
    for _ in range(rounds):
        for name in names:
            (task,) = site.run(name).of("call")
            queued = datetime.fromisoformat(task["queued_when"]).timestamp()
            taken[name].append((server.moments[f"/{name}"] - queued) * 1000)
    alone, among = (median(taken[name]) for name in names)
    figure = f"a task in a folder of {files:,} workflows, from queued to its call, beside one in a folder of one"
    return [Row(figure, "ms", among, alone, target=SLOWER * alone)]


def workflow(name: str, base: str) -> str:
    """Return a workflow file of one call."""
    return _FILE.replace("NAME", name).replace("BASE", base)


@contextmanager
def arrivals() -> Iterator[Arrivals]:
    """Run a server that notes when it is called."""
    noted = Arrivals()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            noted.moments[self.path] = time.time()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    noted.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield noted
    finally:
        server.shutdown()
        server.server_close()
