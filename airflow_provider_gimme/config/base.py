"""The base of every model of a workflow file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

__all__ = ["Config"]


class Config(BaseModel):
    """Be strict and frozen: unknown keys are errors, values never change, inputs never show in an error."""

    model_config = ConfigDict(
        # Built once it is needed, as a part of the whole: a check of files must start quickly.
        defer_build=True,
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
        arbitrary_types_allowed=False,
    )

    exclusive: ClassVar[tuple[frozenset[str], ...]] = ()
    """Sets of keys of which a map may have one at most; in a merge the nearer one removes the others."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON Schema, with the docstrings of the fields as descriptions."""
        from airflow_provider_gimme.config.descriptions import descriptions

        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in descriptions(cls).items():
            key = cls.model_fields[name].alias or name if name in cls.model_fields else name
            if key in properties:
                properties[key]["description"] = text
        return schema
