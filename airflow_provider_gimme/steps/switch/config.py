"""What a ``switch`` step may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import Text
from airflow_provider_gimme.config.step import Step

__all__ = ["Case", "StepConfig"]


class Case(Config):
    """Steps, and when they are chosen."""

    condition: Text | bool
    """When: an expression, as a step's ``condition``."""
    steps: list[Text]
    """The steps or groups that run then; none with an empty list."""


class StepConfig(Step):
    """Choose which steps run: those of the first case whose condition is true. The others are skipped."""

    type: Literal["switch"]
    cases: Annotated[list[Case], Field(min_length=1)]
    """What is chosen from, in order; the first case that is true is taken."""
    default: list[Text] | None = None
    """The steps or groups that run where no case is true; without it, none does."""
