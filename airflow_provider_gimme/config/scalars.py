"""The scalar types of a workflow file: text, names, durations, zones, dates, secret text."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from airflow_provider_gimme.config.suggestions import did_you_mean

__all__ = [
    "DAG_ID",
    "NAME",
    "SECRET",
    "WRITTEN_OUT",
    "DagId",
    "Duration",
    "Flag",
    "Limit",
    "Moment",
    "Name",
    "SecretText",
    "SourceFloat",
    "SourceInt",
    "Text",
    "Zone",
    "format_duration",
    "parse_duration",
]

WRITTEN_OUT = "a literal secret. Write ${NAME} and set NAME in the environment or as an Airflow Variable."
"""What is wrong with a secret that is written into a file."""

SECRET = re.compile(r"(?<!\$)\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}")
"""A ``${NAME}`` or ``${NAME:-default}``."""

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[dhms]))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
DAG_ID = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_HOW_LONG = "not a duration. Write one like 30s, 5m, 1h30m, 2d, 500ms, or a number of seconds."
_WHICH_DAY = "not a date. Write one like 2026-01-31 or 2026-01-31T09:00:00."
_LONGEST = timedelta(days=365 * 10)


class SourceInt(int):
    """An integer that remembers how it was written; ``source`` is that text."""

    source: str

    def __new__(cls, value: int, source: str) -> Self:
        """Make the number ``value`` that was written as ``source``."""
        number = super().__new__(cls, value)
        number.source = source
        return number

    def __reduce__(self) -> tuple[type[SourceInt], tuple[int, str]]:
        return SourceInt, (int(self), self.source)


class SourceFloat(float):
    """A float that remembers how it was written; ``source`` is that text."""

    source: str

    def __new__(cls, value: float, source: str) -> Self:
        """Make the number ``value`` that was written as ``source``."""
        number = super().__new__(cls, value)
        number.source = source
        return number

    def __reduce__(self) -> tuple[type[SourceFloat], tuple[float, str]]:
        return SourceFloat, (float(self), self.source)


def _to_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return getattr(value, "source", str(value))
    return value


def _check_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("not a name. Use 1 to 200 letters, digits, '_' or '-'.")
    return value


def _check_dag_id(value: str) -> str:
    if not DAG_ID.fullmatch(value):
        raise ValueError("not a workflow's name. Use 1 to 200 letters, digits, '_', '-' or '.'.")
    return value


def parse_duration(value: object) -> timedelta:
    """Return the duration that ``30s``, ``5m``, ``1h30m``, ``2d``, ``500ms`` or a number of seconds means.

    :raises ValueError: where the text is none of these, or beyond 0 s to 3650 d.
    """
    if isinstance(value, timedelta):
        duration = value
    elif isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(_HOW_LONG)
    else:
        duration = _duration_of(value)
    if not timedelta(0) <= duration <= _LONGEST:
        raise ValueError("not a possible duration. Write one between 0s and 3650d.")
    return duration


def _duration_of(value: float | str) -> timedelta:
    text = str(value).strip()
    try:
        if _DURATION.fullmatch(text):
            parts = _DURATION_PART.findall(text)
            return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
        return timedelta(seconds=float(text if text.isascii() else ""))
    except (ValueError, OverflowError):
        raise ValueError(_HOW_LONG) from None


def _check_limit(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("no time at all. Write a duration longer than 0s.")
    return value


def format_duration(duration: timedelta) -> str:
    """Write a duration the way a workflow file does: ``1h30m``, ``500ms``, ``0s``."""
    left = round(duration.total_seconds() * 1000)
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


_ABBREVIATION = 5
"""Letters of an abbreviation like SGT: nothing that resembles one is what was meant."""


def _check_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        near = did_you_mean(value, available_timezones()) if len(value) > _ABBREVIATION else ""
        raise ValueError(
            f"not a time zone of the IANA database.{near or ' Write one like Asia/Singapore or UTC.'}"
        ) from None
    return value


def _parse_moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the workflow's zone is put on later
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(_WHICH_DAY) from None
    if not 1970 <= moment.year <= 2200:
        raise ValueError("not a possible date. Write one between 1970 and 2200.")
    return moment


def _check_secret(value: str) -> str:
    if not SECRET.search(value):
        raise ValueError(WRITTEN_OUT)
    if any(default.removeprefix(":-") for default in SECRET.findall(value)):
        raise ValueError("a secret with a default in the file. Write ${NAME} alone.")
    return value


def _parse_flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and SECRET.fullmatch(value):
        return value
    raise ValueError("not true, false or ${FLAG}. Write one of them, true and false without quotes.")


Text = Annotated[str, BeforeValidator(_to_text)]
"""Text; a number or a boolean is taken as it was written."""

Name = Annotated[Text, AfterValidator(_check_name)]
"""The name of a step, a group, a service, a pool or an output."""

DagId = Annotated[Text, AfterValidator(_check_dag_id)]
"""The name of a workflow, which is its Dag's id."""

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|[dhms]))+$"}, {"type": "number", "minimum": 0}]}
    ),
]
"""A duration: ``30s``, ``5m``, ``1h30m``, ``2d``, ``500ms``, or a number of seconds."""

Limit = Annotated[Duration, AfterValidator(_check_limit)]
"""A duration that is longer than nothing."""

Zone = Annotated[Text, AfterValidator(_check_zone)]
"""The name of a time zone of the IANA database."""

Moment = Annotated[datetime, BeforeValidator(_parse_moment), WithJsonSchema({"type": "string"})]
"""A date or a date with a time, in ISO 8601; without an offset it is in the workflow's zone."""

SecretText = Annotated[Text, AfterValidator(_check_secret)]
"""Text that is or contains a secret, so it must name one: ``${NAME}``."""

Flag = Annotated[
    bool | str,
    BeforeValidator(_parse_flag),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^\$\{.+\}$"}]}),
]
"""``true``, ``false`` or a ``${FLAG}`` that is read when the step is about to run."""
