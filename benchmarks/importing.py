"""How long the package takes to import, and how much of Airflow comes with it: every Airflow process imports it."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.rows import Row

__all__ = ["TARGET", "measure"]

TARGET = 50.0
"""Milliseconds."""

_TIMED = """
import sys, time
began = time.perf_counter()
import airflow_provider_gimme
print((time.perf_counter() - began) * 1000, sum(name.partition(".")[0] == "airflow" for name in sys.modules))
"""


def measure(rounds: int = 10) -> list[Row]:
    """Return the rows of this figure; each of the ``rounds`` is a Python of its own, and the best one counts."""
    told = [
        subprocess.run([sys.executable, "-c", _TIMED], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(rounds)
    ]
    return [
        Row("`import airflow_provider_gimme`", "ms", min(float(taken) for taken, _ in told), target=TARGET),
        Row("modules of Airflow that it loads", "modules", max(int(count) for _, count in told), target=0),
    ]
