"""Measure all figures, print them, and write ``benchmarks/results.md``."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from os import cpu_count, getloadavg
from pathlib import Path

from benchmarks import derivativ, fan_out, importing, kills, latency, loading, mapped, overhead, size, starting
from benchmarks.rows import Row, render_table

__all__ = ["FIGURES", "main"]

FIGURES: dict[str, Callable[[], list[Row]]] = {
    "overhead": overhead.measure,
    "fan_out": fan_out.measure,
    "latency": latency.measure,
    "size": size.measure,
    "kills": kills.measure,
    "importing": importing.measure,
    "loading": loading.measure,
    "mapped": mapped.measure,
    "starting": starting.measure,
    "derivativ": derivativ.measure,
}
"""Each figure and what measures it: a module with a function that returns rows."""

RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    """Measure the figures that are asked for, by default all; only all of them are written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the engine costs.")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"one of: {', '.join(FIGURES)} (default: all)")
    asked = parser.parse_args().figures
    if unknown := set(asked) - set(FIGURES):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}; there are: {', '.join(FIGURES)}")
    machine = _machine()
    chapters = [f"## {name}\n\n{render_table(FIGURES[name]())}" for name in asked or FIGURES]
    text = "\n".join((machine, *chapters))
    print(text, end="")
    if not asked:
        RESULTS.write_text(f"# Results\n\n{text}", encoding="utf-8")


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("airflow-provider-gimme", "aiohttp", "yarl"))
    system = f"{platform.system()} {platform.machine()}, {cpu_count()} processors ({_processor()})"
    busy = f"{getloadavg()[0]:.1f} processes busy at the start (load average)"
    return f"{datetime.now(UTC):%Y-%m-%d}, {system}, {busy}, Python {platform.python_version()}, {packages}\n"


def _processor() -> str:
    """Return the name of the processor, where the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


if __name__ == "__main__":
    main()
