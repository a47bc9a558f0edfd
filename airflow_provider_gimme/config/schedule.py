"""When a workflow runs by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Tag

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.cron import is_cron
from airflow_provider_gimme.config.scalars import Duration, Text, Zone

__all__ = ["PRESETS", "Cron", "CronSchedule", "EverySchedule", "Schedule"]

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""Airflow's names for common cron expressions."""


def _check_cron(value: str) -> str:
    expression = PRESETS.get(value, value)
    if value.startswith("@") and value not in PRESETS:
        raise ValueError(f"unknown preset. Write one of {', '.join(PRESETS)}.")
    if f"@{value.lower()}" in PRESETS:
        raise ValueError(f"not a cron expression. Did you mean '@{value.lower()}'?")
    if not is_cron(expression):
        raise ValueError("not a cron expression. Write five fields, minute hour day month weekday, like 0 18 * * *.")
    return value


def _check_every(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError("too short. The shortest interval is 1s.")
    return value


Cron = Annotated[Text, AfterValidator(_check_cron)]


class CronSchedule(Config):
    """Run by a cron expression read in a zone, right over changes of daylight saving."""

    cron: Cron
    """Five fields, or a preset like ``@daily``."""
    timezone: Zone | None = None
    """The zone the expression is read in; default the workflow's."""


class EverySchedule(Config):
    """Run at a fixed interval from ``start_date``, else from midnight."""

    every: Annotated[Duration, AfterValidator(_check_every)]
    """The interval, at least 1 s."""


def _kind(value: Any) -> str:
    if isinstance(value, EverySchedule) or (isinstance(value, dict) and "every" in value):
        return "every"
    return "map" if isinstance(value, CronSchedule | dict) else "cron"


Schedule = Annotated[
    Annotated[Cron, Tag("cron")] | Annotated[EverySchedule, Tag("every")] | Annotated[CronSchedule, Tag("map")],
    Discriminator(_kind),
]
"""A cron expression in UTC, ``{cron, timezone}``, or ``{every}``."""
