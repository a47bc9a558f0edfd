"""The one line of the task log for an attempt, and how numbers are written in it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_gimme.http import CallRecord, Decision, format_call
from airflow_provider_gimme.http.units import show_duration, show_size

AGAIN = Decision(retry=True, wait=timedelta(seconds=6.25), reason="status 503")
FINAL = Decision(retry=False, wait=timedelta(0), reason="status 503; the limit of 3 retries is used up")

LINES = [
    (
        CallRecord("GET", "http://h/x?key=***", 200, 12.4, 1, 1234),
        None,
        "GET http://h/x?key=*** → 200 in 12 ms, 1,234 bytes, attempt 1",
    ),
    (
        CallRecord("POST", "http://h/x", 503, 5012.6, 2, 4, "busy\r\n  now"),
        AGAIN,
        "POST http://h/x → 503 in 5013 ms, 4 bytes, attempt 2: busy now; tried again in 6.25 s (status 503)",
    ),
    (
        CallRecord("GET", "http://h/x", None, 0.4, 4, 0, "the server closed the connection", redirects=2),
        FINAL,
        (
            "GET http://h/x → no answer in 0 ms, 0 bytes, 2 redirects, attempt 4: the server closed the connection; "
            "not tried again (status 503; the limit of 3 retries is used up)"
        ),
    ),
    (
        CallRecord("GET", "http://h/x", 200, 1, 1, 0, redirects=1),
        None,
        "GET http://h/x → 200 in 1 ms, 0 bytes, 1 redirect, attempt 1",
    ),
]


@pytest.mark.parametrize("record,decision,line", LINES, ids=["good", "again", "final", "redirect"])
def test_an_attempt_is_one_line(record: CallRecord, decision: Decision | None, line: str) -> None:
    """What was called, what came, in which time and size, at which attempt, what is next and why."""
    assert format_call(record, decision) == line


@pytest.mark.parametrize(
    "seconds,words",
    [
        (0, "0 s"),
        (0.85, "850 ms"),
        (1, "1 s"),
        (7.25, "7.25 s"),
        (20, "20 s"),
        (60, "1 min"),
        (125.4, "2 min 5 s"),
        (7200, "2 h"),
        (3661, "1 h 1 min"),
        (183_600, "2 d 3 h"),
    ],
)
def test_durations_are_written_as_people_do(seconds: float, words: str) -> None:
    """In the two largest units that matter."""
    assert show_duration(timedelta(seconds=seconds)) == words


def test_sizes_are_written_as_people_do() -> None:
    """Whole megabytes as such, the rest exactly."""
    assert [show_size(n) for n in (0, 999, 5 * 1024 * 1024, 5 * 1024 * 1024 + 1)] == [
        "0 bytes",
        "999 bytes",
        "5 MB",
        "5,242,881 bytes",
    ]
