"""How long a server asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_gimme.http import asked_wait

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())

ASKED: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"Retry-After": "120"}, 120),
    ({"retry-after": " 0 "}, 0),
    ({"RETRY-AFTER": "1.5"}, 1.5),
    ({"Retry-After": "-5"}, None),
    ({"Retry-After": "soon"}, None),
    ({"Retry-After": ""}, None),
    ({"Retry-After": "nan"}, None),
    ({"Retry-After": "1e9"}, None),
    ({"Retry-After": "9" * 400}, None),
    ({"Retry-After": "Sun, 22 Nov 2026 12:01:30 GMT"}, 90),
    ({"Retry-After": "Sunday, 22-Nov-26 12:01:30 GMT"}, 90),
    ({"Retry-After": "Sun Nov 22 12:01:30 2026"}, 90),
    ({"Retry-After": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
    ({"Retry-After": "Sun, 99 Nov 2026 11:00:00 GMT"}, None),
    ({"Retry-After": "Sun, 22 Nov 2026 12:01:30 GMT", "Date": "Sun, 22 Nov 2026 12:01:00 GMT"}, 30),
    ({"Retry-After": str(EPOCH + 60)}, 60),
    ({"RateLimit-Reset": "30"}, 30),
    ({"X-RateLimit-Reset": "30"}, 30),
    ({"X-RateLimit-Reset": str(EPOCH + 45)}, 45),
    ({"X-RateLimit-Reset": str((EPOCH + 45) * 1000)}, 45),
    ({"X-RateLimit-Reset": str(EPOCH - 45)}, 0),
    ({"X-RateLimit-Reset": str(EPOCH + 45), "X-RateLimit-Remaining": "0"}, 45),
    ({"X-RateLimit-Reset": str(EPOCH + 45), "X-RateLimit-Remaining": "4999"}, None),
    ({"RateLimit-Reset": "30", "RateLimit-Remaining": "9", "X-RateLimit-Reset": "40"}, 40),
    ({"Retry-After": "5", "RateLimit-Reset": "30", "X-RateLimit-Reset": "40"}, 5),
    ({"Retry-After": "soon", "RateLimit-Reset": "30", "X-RateLimit-Reset": "40"}, 30),
]


@pytest.mark.parametrize("headers,seconds", ASKED)
def test_what_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, dates in all three forms, moments in seconds and milliseconds; what cannot be read is absent."""
    asked = asked_wait(headers, NOW)
    assert (None if asked is None else asked.total_seconds()) == seconds


@pytest.mark.parametrize(
    "date", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_dates_of_the_standard_are_one_moment(date: str) -> None:
    """The three forms of RFC 9110, 5.6.7, as it writes them, against its own `Date`."""
    asked = asked_wait({"Retry-After": date, "Date": "Sun, 06 Nov 1994 08:49:07 GMT"}, NOW)
    assert asked == timedelta(seconds=30)


def test_the_examples_of_retry_after_are_read() -> None:
    """Both of RFC 9110, 10.2.3."""
    eve = datetime(1999, 12, 31, 23, 58, tzinfo=UTC)
    assert asked_wait({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, eve) == timedelta(seconds=119)
    assert asked_wait({"Retry-After": "120"}, eve) == timedelta(seconds=120)


@given(st.text(max_size=40) | st.integers().map(str))
@example("9" * 18)
@example("Mon, 01 Jan 0001 00:00:00 +1400")
@example("Fri, 31 Dec 9999 23:59:59 -1400")
def test_no_header_breaks_it(value: str) -> None:
    """Whatever stands there, it is a wait that is not negative, or none."""
    for headers in ({"Retry-After": value}, {"X-RateLimit-Reset": value}, {"Retry-After": f"{EPOCH}", "Date": value}):
        asked = asked_wait(headers, NOW)
        assert asked is None or asked >= timedelta(0)


@given(st.integers(0, 10**6))
def test_a_date_and_its_seconds_ask_for_the_same(seconds: int) -> None:
    """Both forms of Retry-After mean one wait."""
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert asked_wait({"Retry-After": date}, NOW) == asked_wait({"Retry-After": str(seconds)}, NOW)
