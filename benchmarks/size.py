"""What a fan-out of many items takes: the memory of its process, and time of the processor for each item.

Each run is a process of its own that has loaded what a task of Airflow has: the operator and Airflow's SDK. Its items
are read from a saved file, and its outputs go to one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.rows import Row
from benchmarks.server import serving

__all__ = ["FLAT", "MEMORY", "measure"]

MEMORY = 300.0
"""Megabytes of the process at its largest."""

FLAT = 1.2
"""How many times the cost of an item of a short list that of a long one may be."""

_ROOT = Path(__file__).parents[1]
_FILE = """
name: bench
api_base: BASE
steps:
  - name: call
    endpoint: "/things/{{ item.id }}"
    for_each: {items: inputs.items, max_parallel: 64}
    save_to: outputs.jsonl
    payload: {id: "{{ item.id }}", name: "{{ item.name }}", number: "{{ index }}", kind: thing}
    response_transform: {id: "{{ response.body.id }}", name: "{{ response.body.name }}"}
"""


def measure(few: int = 1000, many: int = 100_000, rounds: int = 3) -> list[Row]:
    """Return the rows of this figure: for ``few`` items, the best of the ``rounds``, and for ``many``."""
    with serving() as base:
        short = min(_run(base, few)["us"] for _ in range(rounds))
        long = _run(base, many)
    return [
        Row(f"{many:,} items with `save_to`: memory of the process at its largest", "MB", long["mb"], target=MEMORY),
        Row(f"an item of {many:,}, beside one of {few:,}", "µs", long["us"], short, target=FLAT * short),
    ]


def _run(base: str, count: int) -> dict[str, float]:
    """Call for so many items in a process of its own; return its megabytes and the microseconds for each item."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.size", base, str(count), folder]
        ran = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return told


def _call(base: str, count: int, folder: Path) -> dict[str, float]:
    import asyncio
    from time import process_time

    from airflow_provider_gimme.operators.fanning import finish
    from airflow_provider_gimme.steps.api_call import operator  # noqa: F401 - what a task loads
    from benchmarks.fan_out import fan_out

    path = folder / "bench" / "items.jsonl"
    path.parent.mkdir()
    with path.open("w", encoding="utf-8") as opened:
        opened.writelines(json.dumps({"id": number, "name": f"thing {number}"}) + "\n" for number in range(count))
    saved: dict[str, Any] = {"type": "saved", "path": "bench/items.jsonl", "media_type": "application/x-ndjson"}
    saved |= {"bytes": path.stat().st_size, "items": count}
    began = process_time()
    output = asyncio.run(finish(fan_out(base, saved, folder, _FILE)))
    taken = process_time() - began
    if output["items"] != count:
        raise RuntimeError(f"{output['items']} outputs of {count}")
    return {"us": taken / count * 1e6, "mb": _peak()}


def _peak() -> float:
    """Return the most memory that this process had, in MB; ``ru_maxrss`` begins with that of who started it."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    print(json.dumps(_call(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
