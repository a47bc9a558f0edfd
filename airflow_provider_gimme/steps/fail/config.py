"""What a ``fail`` step may say."""

from __future__ import annotations

from typing import Literal

from airflow_provider_gimme.config.scalars import Text
from airflow_provider_gimme.config.step import Step

__all__ = ["StepConfig"]


class StepConfig(Step):
    """Fail, telling why."""

    type: Literal["fail"]
    message: Text
    """What the error says; a template."""
