"""What a ``transform`` step may say."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from airflow_provider_gimme.config.scalars import Text
from airflow_provider_gimme.config.step import Step

__all__ = ["StepConfig"]


class StepConfig(Step):
    """Compute a value from inputs, variables and earlier outputs; the value is the output."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (
        *Step.exclusive,
        frozenset({"payload", "payload_template", "input_map"}),
    )

    type: Literal["transform"]
    payload: Any = None
    """The value as a structure; strings are templates, a lone one keeps its type."""
    payload_template: Text | None = None
    """The value as a text template that yields JSON."""
    input_map: Any = None
    """The value as a structure of constants and ``$.`` paths."""

    @model_validator(mode="after")
    def _has_value(self) -> StepConfig:
        if not {"payload", "payload_template", "input_map"} & self.model_fields_set:
            raise ValueError("nothing to compute. Write 'payload', 'payload_template' or 'input_map'.")
        return self
