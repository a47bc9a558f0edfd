"""Cron expressions: whether one is right, and whether it ever comes to pass.

The usual ones are checked here, as a check of files must start quickly and the library that knows all of them takes
longer to import than a file to read.
"""

from __future__ import annotations

import re

__all__ = ["is_cron"]

_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_PART = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?")
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


def is_cron(expression: str) -> bool:
    """Say whether a text is a cron expression of five fields (minute hour day month weekday) that has a next time."""
    fields = expression.split()
    if len(fields) != 5:
        return False
    values = [_values(field, *bounds) for field, bounds in zip(fields, _BOUNDS, strict=True)]
    if any(value is None for value in values):
        return _is_unusual_cron(expression)
    return fields[4] != "*" or _has_day(values[2] or set(), values[3] or set())


def _values(field: str, least: int, most: int) -> set[int] | None:
    """Return what a field of numbers stands for; None where it is none, or is out of bounds."""
    values: set[int] = set()
    for part in field.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            return None
        first = int(found[1]) if found[1] else least
        last = int(found[2]) if found[2] else (most if not found[1] or found[3] else first)
        step = int(found[3] or 1)
        if not least <= first <= last <= most or step < 1:
            return None
        values.update(range(first, last + 1, step))
    return values


def _has_day(days: set[int], months: set[int]) -> bool:
    return any(min(days) <= _LONGEST_MONTHS.get(month, 31) for month in months)


def _is_unusual_cron(expression: str) -> bool:
    """Ask the library: names of months and weekdays, ``L``, ``#``, and all that is wrong."""
    from croniter import CroniterError, croniter

    try:
        croniter(expression).get_next()
    except (CroniterError, ValueError):
        return False
    return True
