"""What a file of ``schemas/`` may say."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import Text

__all__ = ["SchemaFile"]

_NAME = re.compile(r"[^@\s]{1,200}")


def _check_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("not a name to refer to. Use 1 to 200 characters, without spaces and '@'.")
    return value


_Name = Annotated[Text, AfterValidator(_check_name)]


class SchemaFile(Config):
    """A file of ``schemas/``: a JSON Schema that workflows name by its id."""

    id: _Name
    """What workflows write as ``input_schema_id`` or ``output_schema_id``."""
    provider_id: Text | None = None
    """Whose schema it is; free text."""
    name: Text = ""
    """Its name, for people."""
    version: _Name | None = None
    """Its version: ``id@version`` names this one where there are several."""
    type: Text = ""
    """What it is for, as ``input`` or ``output``; free text."""
    description: Text = ""
    """What it describes."""
    definition: dict[str, Any]
    """The JSON Schema (2020-12)."""
