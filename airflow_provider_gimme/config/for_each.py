"""How one step makes a call for each item of a list."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import Text

__all__ = ["ForEach", "ForEachValue", "for_each_of"]

_PERCENT = re.compile(r"\d{1,3}(\.\d+)?\s*%")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ForEach(Config):
    """Make one call for each item of a list, in one task; the output is the list of their outputs, in item order."""

    items: list[Any] | Text
    """The list: an expression, a list as it is written, or the reference to a saved file (JSON lines, CSV with a
    header line, a JSON array), which is read as it is needed."""
    as_: Text | None = Field(None, alias="as")
    """A second name of ``item``."""
    key: Text | None = None
    """A template over ``item`` that tells the items apart; without it, the place in the list and the content do."""
    max_parallel: Annotated[int, Field(ge=1, le=1000)] = 16
    """How many items are called for at once."""
    tolerate: int | Text = 0
    """How many items may fail (``3``, or ``5%`` of them) without the step failing; their outputs are null."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many items one call is for: ``item`` is a list of up to so many, and the call's output a list as long."""

    @field_validator("as_")
    @classmethod
    def _check_name(cls, value: str | None) -> str | None:
        if value is not None and not _NAME.fullmatch(value):
            raise ValueError("not a name. Write letters, digits and '_', like order.")
        return value

    @field_validator("tolerate")
    @classmethod
    def _check_tolerate(cls, value: int | str) -> int | str:
        if isinstance(value, str):
            if not _PERCENT.fullmatch(value) or float(value.rstrip("% ")) > 100:
                raise ValueError("neither a count nor a percentage. Write one like 3 or 5%.")
        elif value < 0:
            raise ValueError("less than none. Write 0 or more, or a percentage like 5%.")
        return value


def _kind(value: Any) -> str:
    if isinstance(value, ForEach | dict):
        return "map"
    return "list" if isinstance(value, list) else "text"


ForEachValue = Annotated[
    Annotated[Text, Tag("text")] | Annotated[list[Any], Tag("list")] | Annotated[ForEach, Tag("map")],
    Discriminator(_kind),
]
"""A list expression, a list, or ``{items, as, key, max_parallel, tolerate, batch_size}``."""


def for_each_of(value: str | list[Any] | ForEach) -> ForEach:
    """Return what was written, with all its keys."""
    return value if isinstance(value, ForEach) else ForEach(items=value)
