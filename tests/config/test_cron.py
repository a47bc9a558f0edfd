from __future__ import annotations

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.config.cron import is_cron

RIGHT = [
    "0 18 * * *",
    "*/5 * * * *",
    "0,30 9-17/2 1 */3 0-7",
    "0 2 * * MON-FRI",
    "0 0 L * *",
    "0 0 * * 5#1",
    "0 0 29 2 *",
    "5/15 * * * *",
]
WRONG = [
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 13 *",
    "* * * * 8",
    "*/0 * * * *",
    "a * * * *",
    "-1 * * * *",
    "1- * * * *",
]
NEVER = ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30 FEB *"]


@pytest.mark.parametrize("expression", RIGHT)
def test_a_cron_expression_is_right(expression: str) -> None:
    """Numbers, lists, ranges, steps, names, and what the library knows beside."""
    assert is_cron(expression)


@pytest.mark.parametrize("expression", WRONG)
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    """Too few or too many fields, and values out of bounds."""
    assert not is_cron(expression)


@pytest.mark.parametrize("expression", NEVER)
def test_a_day_that_never_comes_is_refused(expression: str) -> None:
    """There is no 30th of February to wait for; with a weekday too, either of them counts."""
    assert not is_cron(expression)
    assert is_cron(expression[:-1] + "1")


numbers = st.integers(0, 33).map(str)
parts = numbers | st.just("*") | st.tuples(numbers, numbers).map("-".join)
fields = st.lists(st.tuples(parts, st.sampled_from(["", "/2", "/15"])).map("".join), min_size=1, max_size=2).map(
    ",".join
)


@given(st.tuples(fields, fields, fields, fields, fields).map(" ".join))
def test_our_quick_answer_is_the_librarys(expression: str) -> None:
    """Whatever we call right, the library that Airflow uses can read too; and whatever it finds a time for is right."""
    try:
        croniter(expression).get_next()
    except ValueError:
        found = False
    else:
        found = True
    assert is_cron(expression) is found
