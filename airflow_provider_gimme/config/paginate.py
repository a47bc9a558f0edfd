"""How a listing is read page by page."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import Text

__all__ = ["PageKind", "Paginate"]

PageKind = Literal["link_header", "next_url", "cursor", "offset", "page"]


class Paginate(Config):
    """Read all pages of a listing; the output is the list of their items.

    ``items``, ``cursor``, ``more``, ``total`` and ``total_pages`` are a ``$.path`` over the page's body, or an
    expression over ``response`` and ``page``.
    """

    kind: PageKind
    """``link_header``: the header ``Link`` (RFC 8288) has the next page's URL; ``next_url``: the body has it;
    ``cursor``: a value of the answer asks for the next page; ``offset``: the number of items before it; ``page``: its
    number."""
    items: Text = "$"
    """Where the page's items are, a list; the whole body if nothing is written."""
    param: Text | None = None
    """The parameter that asks for a page; ``cursor``, ``offset`` or ``page`` if nothing is written. In a body, ``a.b``
    is the member ``b`` of ``a``. ``null``: none is sent, a template of the step says where ``page`` stands."""
    in_: Literal["query", "body"] = Field("query", alias="in")
    """Whether ``param`` and ``size_param`` are sent in the query or in the JSON body."""
    start: Any = None
    """What asks for the first page: 0 for ``offset``, 1 for ``page`` if nothing is written, for ``cursor`` nothing."""
    size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many items to ask for at once."""
    size_param: Text | None = None
    """The parameter that ``size`` is sent as; ``limit`` if nothing is written."""
    cursor: Text | None = None
    """The next page's cursor, for ``next_url`` its URL (``$.next`` if nothing is written); null, false or empty: there
    is none."""
    more: Text | None = None
    """A condition: whether there is another page. It alone decides, where it is written."""
    total: Text | None = None
    """How many items there are, for ``offset`` and ``page``."""
    total_pages: Text | None = None
    """How many pages there are, for ``page``."""
    max_pages: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    """A guard: where there are more pages, the step fails."""
    max_items: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """As many items are enough: the step ends with exactly so many."""

    @field_validator("start")
    @classmethod
    def _check_start(cls, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("neither a number nor text. Write a number, for 'kind: cursor' also a text.")
        return value
