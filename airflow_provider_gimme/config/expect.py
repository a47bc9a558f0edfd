"""Which answers are good."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import Text

__all__ = ["Expect", "Statuses"]

_STATUS_CLASS = re.compile(r"[1-5]xx")
_STATUS = re.compile(r"[1-5][0-9][0-9]")


def _check_statuses(value: object) -> object:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bool) or not (_STATUS_CLASS if isinstance(one, str) else _STATUS).fullmatch(str(one)):
            raise ValueError("not a status. Write a number like 200, a class like 2xx, or a list of them.")
    if value == []:
        raise ValueError("no status at all. Write a number like 200, a class like 2xx, or a list of them.")
    return value


Statuses = Annotated[int | str | list[int | str], BeforeValidator(_check_statuses)]


class Expect(Config):
    """Say which answers are good. The rules are asked first: ``fail_when``, ``retry_when``, ``success_when``."""

    status: Statuses = "2xx"
    """A status, a class like ``2xx``, or a list of them."""
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    """A JSON Schema (2020-12) that the body of a good answer must fit."""
    success_when: Text | None = None
    """A condition over ``response``: only where it is true the answer is good, whatever its status."""
    retry_when: Text | None = None
    """A condition over ``response``: where it is true the call is tried again, within the limits of ``retry``."""
    fail_when: Text | None = None
    """A condition over ``response``: where it is true the call has failed for good."""
