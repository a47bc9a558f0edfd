"""The errors of the demonstration and of the Airflow that it starts."""

from __future__ import annotations

from airflow_provider_gimme.errors import GimmeError

__all__ = ["ApiError", "BusyError", "DemoError", "InstanceError"]


class DemoError(GimmeError, RuntimeError):
    """Report why the demonstration cannot go on, and what to do."""


class InstanceError(DemoError):
    """Report an Airflow that did not start, did not stop, or lost one of its components."""


class ApiError(DemoError):
    """Report an answer of Airflow's REST API that is not a success; ``status`` is its HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class BusyError(ApiError):
    """Report a request that waited in vain for the database; whether anything came of it is not known."""
