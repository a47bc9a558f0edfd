"""When and how a call is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import Duration, Limit

__all__ = ["Backoff", "Retried", "Retry"]

Backoff = Literal["constant", "linear", "exponential"]


def _check_failure(value: object) -> object:
    if isinstance(value, str) and value in {"timeout", "connection"}:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value
    raise ValueError("nothing to retry. Write a status from 100 to 599, 'timeout' or 'connection'.")


Retried = Annotated[int | Literal["timeout", "connection"], BeforeValidator(_check_failure)]


class Retry(Config):
    """Say how often, when and for which answers a call is tried again."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"limit", "max_attempts"}),
        frozenset({"delay", "backoff_ms"}),
    )

    limit: Annotated[int, Field(ge=0, le=100)] | None = None
    """Retries after the first attempt, 0 to 100; 3 if nothing is written."""
    max_attempts: Annotated[int, Field(ge=1, le=101)] | None = None
    """Attempts in all, the first included: ``limit`` + 1."""
    delay: Duration | None = None
    """The first wait; 5 s if nothing is written."""
    backoff_ms: Annotated[int, Field(ge=0, le=315_360_000_000)] | None = None
    """The first wait in milliseconds; alone, it is constant."""
    backoff: Backoff | None = None
    """How the wait grows: ``constant``, ``linear`` or ``exponential`` (the default)."""
    max_delay: Duration = timedelta(minutes=5)
    """The longest wait of our own choosing."""
    max_wait: Duration = timedelta(hours=1)
    """The longest wait a server may ask for; beyond it the step fails."""
    timeout: Limit | None = None
    """The limit of one HTTP attempt, body included."""
    max_duration: Limit | None = None
    """The limit of all attempts and waits together."""
    on: list[Retried] | None = None
    """Statuses and failures that are retried; default 408, 425, 429, 500, 502, 503, 504, timeout, connection."""
    on_crash: bool = True
    """Whether the call is made again, under its first key, after a crash of Airflow's own process."""

    @property
    def retries(self) -> int:
        """The number of retries after the first attempt."""
        if self.max_attempts is not None:
            return self.max_attempts - 1
        return 3 if self.limit is None else self.limit

    @property
    def first_delay(self) -> timedelta:
        """The first wait, before jitter."""
        if self.backoff_ms is not None:
            return timedelta(milliseconds=self.backoff_ms)
        return timedelta(seconds=5) if self.delay is None else self.delay

    @property
    def growth(self) -> Backoff:
        """How the wait grows."""
        if self.backoff is not None:
            return self.backoff
        return "constant" if self.backoff_ms is not None else "exponential"
