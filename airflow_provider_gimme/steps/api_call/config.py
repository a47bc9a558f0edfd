"""What an ``api_call`` step may say."""

from __future__ import annotations

from typing import ClassVar, Literal

from airflow_provider_gimme.config.call import Call
from airflow_provider_gimme.config.fallback import Fallbacks
from airflow_provider_gimme.config.for_each import ForEachValue
from airflow_provider_gimme.config.paginate import Paginate
from airflow_provider_gimme.config.step import Step

__all__ = ["StepConfig"]


class StepConfig(Step, Call):
    """Make one HTTP call."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (*Step.exclusive, *Call.exclusive)

    type: Literal["api_call"] = "api_call"
    paginate: Paginate | None = None
    """Read all pages of a listing; the output is the list of their items."""
    for_each: ForEachValue | None = None
    """Make the call for each item of a list, many at once; the output is the list of outputs, in item order."""
    fallback: Fallbacks | None = None
    """Other calls, tried in order when this one has failed for good; of each only what differs is written."""
