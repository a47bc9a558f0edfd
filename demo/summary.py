"""What the demonstration tells when the run has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.standins import Ledger

__all__ = ["Summary", "summarize"]

_WIDTH = 18
_ZONE = ZoneInfo("Asia/Singapore")


@dataclass(frozen=True)
class Summary:
    """The facts of one run, as the API and Airflow tell them."""

    state: str
    seconds: float
    ledger: Ledger
    stored: Sequence[Mapping[str, Any]]
    """The documents that the API has stored."""
    questions: int
    deliveries: Sequence[Mapping[str, Any]]
    """The webhooks that the API got."""
    next_run: datetime | None
    url: str


def summarize(summary: Summary) -> str:
    """Return the summary as text: a name and its values, line by line."""
    rows: list[tuple[str, Iterable[str]]] = [
        ("run", [f"{summary.state} after {summary.seconds:.1f} s"]),
        ("calls made", [f"{len(summary.ledger.calls)}, at most {summary.ledger.most_open()} at once"]),
        ("retries met", [str(summary.ledger.retries())]),
        ("faults met", _faults(summary.ledger) or ["none"]),
        ("questions", [str(summary.questions)]),
        ("documents stored", [_document(document) for document in summary.stored] or ["none"]),
        ("webhooks", [_delivery(delivery) for delivery in summary.deliveries] or ["none"]),
        ("next run", [_when(summary.next_run)]),
        ("in the UI", [summary.url]),
    ]
    return "\n".join(line for name, values in rows for line in _lines(name, values))


def _lines(name: str, values: Iterable[str]) -> Iterable[str]:
    for index, value in enumerate(values):
        yield f"  {name if index == 0 else '':<{_WIDTH}}{value}"


def _faults(ledger: Ledger) -> list[str]:
    met = Counter(f"{call.fault} on {call.method} {call.path}" for call in ledger.calls if call.fault)
    return [f"{count} × {fault}" for fault, count in met.items()]


def _document(document: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{version} ({' '.join(forms)})" for version, forms in document["versions"].items())
    return f"{document['document_id']}: {versions}"


def _delivery(delivery: Mapping[str, Any]) -> str:
    signature = {True: "signed", False: "with a WRONG signature", None: "unsigned"}[delivery["signed"]]
    body = delivery["body"] if isinstance(delivery["body"], Mapping) else {}
    return f"{body.get('type', body.get('event', 'one'))}, {signature}"


def _when(next_run: datetime | None) -> str:
    if next_run is None:
        return "none is scheduled"
    return f"{next_run.astimezone(_ZONE):%a %d %b %Y, %H:%M} in Singapore ({next_run:%H:%M} UTC)"
