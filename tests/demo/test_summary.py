"""The summary tells what the API saw, what it stored, and when the next run is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from demo.summary import Summary, summarize
from tests.standins import Call, Ledger


def _call(number: int, key: str, fault: str = "") -> Call:
    headers = (("Idempotency-Key", key),)
    return Call(number, "POST", "/api/x", "", headers, opened=0, closed=1, status=200, fault=fault)


_SUMMARY = Summary(
    state="success",
    seconds=12.34,
    ledger=Ledger((_call(1, "a", "status 503"), _call(2, "a"), _call(3, "b")), {(None, None): 2}),
    stored=[{"document_id": "doc-1", "versions": {"student": {"pdf": "/1"}, "teacher": {"pdf": "/2", "html": "/3"}}}],
    questions=48,
    deliveries=[{"signed": True, "body": {"type": "workflow.succeeded"}}],
    next_run=datetime(2026, 11, 22, 18, 0, tzinfo=UTC),
    url="http://127.0.0.1:1/dags/d/runs/r",
)


def _rows(summary: Summary) -> list[str]:
    return [" ".join(line.split()) for line in summarize(summary).splitlines()]


def test_the_summary_of_a_run() -> None:
    """Calls, retries, faults, documents by version, webhooks, the next run in Singapore's time, and the address."""
    assert _rows(_SUMMARY) == [
        "run success after 12.3 s",
        "calls made 3, at most 2 at once",
        "retries met 1",
        "faults met 1 × status 503 on POST /api/x",
        "questions 48",
        "documents stored doc-1: student (pdf), teacher (pdf html)",
        "webhooks workflow.succeeded, signed",
        "next run Mon 23 Nov 2026, 02:00 in Singapore (18:00 UTC)",
        "in the UI http://127.0.0.1:1/dags/d/runs/r",
    ]


def test_what_is_not_there_is_said() -> None:
    """Nothing stored, nothing delivered and nothing scheduled are said in words; a wrong signature stands out."""
    rows = _rows(replace(_SUMMARY, stored=[], deliveries=[], next_run=None))
    assert {"documents stored none", "webhooks none", "next run none is scheduled"} < set(rows)
    wrong = _rows(replace(_SUMMARY, deliveries=[{"signed": False, "body": None}]))
    assert "webhooks one, with a WRONG signature" in wrong
