"""The union of all step types, told apart by ``type``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import core_schema

from airflow_provider_gimme.config.step import Step
from airflow_provider_gimme.steps import part, step_types

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

__all__ = ["DEFAULT_STEP_TYPE", "AnyStep", "step_config"]

DEFAULT_STEP_TYPE = "api_call"
"""What a step is that does not say."""


def step_config(step_type: str) -> type[Step]:
    """Return the model of a step type."""
    model: type[Step] = part(step_type, "config").StepConfig
    return model


def _type_of(value: Any) -> object:
    if isinstance(value, dict):
        return value.get("type", DEFAULT_STEP_TYPE)
    return getattr(value, "type", None)


class _Union:
    """Build the validator of a step type when the first step of it is read: a file has few of them."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        choices = {name: core_schema.no_info_plain_validator_function(partial(_read, name)) for name in step_types()}
        return _union(choices)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(_union({name: step_config(name).__pydantic_core_schema__ for name in step_types()}))


def _union(choices: dict[str, Any]) -> core_schema.CoreSchema:
    return core_schema.tagged_union_schema(choices=choices, discriminator=_type_of)


def _read(step_type: str, value: Any) -> Step:
    return step_config(step_type).model_validate(value)


AnyStep = Annotated[Step, _Union]
"""A step of any type; without ``type`` it is an ``api_call``."""
