"""What is tried when a step's own call has failed for good."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from airflow_provider_gimme.config.call import Call
from airflow_provider_gimme.config.paginate import Paginate

__all__ = ["FALLBACK_LIMIT", "Fallback", "Fallbacks"]

FALLBACK_LIMIT = 10
"""The most entries that a ``fallback`` may have."""


class Fallback(Call):
    """Another call in the step's place, of which only what differs is written; or a ``value`` instead of a call."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (
        *Call.exclusive,
        *(frozenset({"value", key}) for key in sorted({*Call.model_fields, "paginate"})),
    )

    paginate: Paginate | None = None
    """Read all pages of a listing."""
    value: Any = None
    """The output, without any call: a structure of constants and templates; nothing else stands beside it."""


Fallbacks = Annotated[list[Fallback], Field(min_length=1, max_length=FALLBACK_LIMIT)]
