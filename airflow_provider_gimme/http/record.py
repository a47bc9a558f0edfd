"""What is kept and logged of each attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_gimme.http.units import show_duration

if TYPE_CHECKING:
    from airflow_provider_gimme.http.retry import Decision

__all__ = ["CallRecord", "format_call"]


@dataclass(frozen=True)
class CallRecord:
    """One attempt of a call, its redirects included; nothing in it is secret."""

    method: str
    url: str
    """Redacted."""
    status: int | None
    """None where there was no answer."""
    ms: float
    """Milliseconds from the start of the attempt to its end."""
    attempt: int
    """From 1."""
    bytes_received: int
    """Bytes of the body, decompressed, as far as it was read."""
    error: str | None = None
    """What went wrong, redacted; None where the answer was an expected one."""
    redirects: int = 0
    """How many redirects were followed."""


def format_call(record: CallRecord, decision: Decision | None = None) -> str:
    """Return the one line of the task log for an attempt: what was called, what came, what happens next and why.

    ``decision`` is what was decided after an error.
    """
    status = "no answer" if record.status is None else str(record.status)
    line = f"{record.method} {record.url} → {status} in {record.ms:.0f} ms, {record.bytes_received:,} bytes"
    if record.redirects:
        line += f", {record.redirects} redirect{'s' if record.redirects > 1 else ''}"
    line += f", attempt {record.attempt}"
    if record.error is not None:
        line += f": {record.error}"
    if decision is not None:
        then = f"tried again in {show_duration(decision.wait)}" if decision.retry else "not tried again"
        line += f"; {then} ({decision.reason})"
    return " ".join(line.split())
