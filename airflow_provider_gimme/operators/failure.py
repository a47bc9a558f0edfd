"""The error of a step as later steps, the end of the run and people see it."""

from __future__ import annotations

from typing import TypedDict

from airflow_provider_gimme.errors import AnswerError, CallError, GimmeError

__all__ = ["ANSWERED_BY_KEY", "ERROR_KEY", "FAILED_KEY", "SKIP_KEY", "UNDONE_KEY", "UNDO_KEY", "Failure", "describe"]

ANSWERED_BY_KEY = "answered_by"
"""The XCom key of which call gave a step's output: 0 is the step's own, n its n-th fallback."""

ERROR_KEY = "error"
"""The XCom key of a step's error."""

FAILED_KEY = "failed"
"""The XCom key of the items of a step that failed."""

SKIP_KEY = "skip"
"""The XCom key of our mark: why a step was skipped by ourselves."""


UNDO_KEY = "undo"
"""The XCom key of whether a step that has a ``compensation`` may have been done: what undoes it looks there."""

UNDONE_KEY = "undone"
"""The XCom key of the series of a step that was undone, or that somebody has begun to undo."""


class Failure(TypedDict):
    """What ``steps.x.error`` holds."""

    type: str
    """The error's class without ``Error``, in lower case: ``status``, ``outcome``, ``schema``, ``timeout``,
    ``connect``, ``secret`` …"""
    message: str
    status: int | None
    """The HTTP status, where there was an answer."""
    attempts: int
    """How many attempts were made."""


_NAMES = {"CallTimeoutError": "timeout", "RunTimeoutError": "run_timeout", "JobTimeoutError": "job_timeout"}


def describe(error: GimmeError, attempts: int = 0) -> Failure:
    """Return what is told of an error; its message holds no secret."""
    name = type(error).__name__
    return Failure(
        type=_NAMES.get(name, name.removesuffix("Error").lower()),
        message=str(error),
        status=error.status if isinstance(error, AnswerError) else None,
        attempts=max(attempts, error.attempt) if isinstance(error, CallError) else attempts,
    )
