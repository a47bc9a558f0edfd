"""What ``paginate`` means: how to get from page to page, with its expressions compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import ExpressionError, PaginationError
from airflow_provider_gimme.http.pagination import Follow, Limits, Mark, Page, Paginator, Position, Read, Walk
from airflow_provider_gimme.http.paginators import (
    CursorPages,
    Ends,
    LinkHeaderPages,
    NextUrlPages,
    NumberedPages,
    OffsetPages,
    Place,
)
from airflow_provider_gimme.plan.body import is_json, written_body

if TYPE_CHECKING:
    from airflow_provider_gimme.config.call import Call
    from airflow_provider_gimme.config.paginate import PageKind, Paginate
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.http.request import Request
    from airflow_provider_gimme.plan.context import Context

__all__ = ["PagesPlan", "plan_paginate"]

_KNOWN = ("response", "page")
"""What the expressions know beside the scope; ``$`` is the page's body."""

_PARAMS: dict[PageKind, str] = {"cursor": "cursor", "offset": "offset", "page": "page"}
_KINDS_OF: dict[str, tuple[PageKind, ...]] = {
    "param": ("cursor", "offset", "page"),
    "start": ("cursor", "offset", "page"),
    "cursor": ("next_url", "cursor"),
    "total": ("offset", "page"),
    "total_pages": ("page",),
}
"""The kinds that a key is for, where it is not for all."""

_READ = ("items", "cursor", "more", "total", "total_pages")
_QUERIED = frozenset({"GET", "HEAD", "DELETE"})


@dataclass(frozen=True)
class PagesPlan:
    """How the pages of a listing are read."""

    kind: PageKind
    place: Place
    start: Mark
    limits: Limits
    read: Mapping[str, Compiled[Any]]
    """What is read of each page: ``items``, and what of ``cursor``, ``more``, ``total``, ``total_pages`` is written."""

    def walk(self, scope: Scope, follow: Follow, position: Position | None = None, seen: Iterable[Mark] = ()) -> Walk:
        """Begin to go through the pages, or go on at ``position``; see :class:`Walk`."""
        read = {name: _reader(compiled, scope) for name, compiled in self.read.items()}
        paginator = self._paginator(read)
        return Walk(paginator, read["items"], follow, limits=self.limits, position=position, seen=seen)

    @property
    def first_number(self) -> int:
        """The number of the first page, as expressions see it."""
        return int(self.start) if self.kind == "page" else 1

    def first(self, written: Request) -> Request:
        """Return the request for the first page, made of the one that the file writes."""
        return self.place.put(written, self.start)

    def _paginator(self, read: Mapping[str, Read]) -> Paginator:
        more = read.get("more")
        ends = Ends(more, read.get("total_pages"), read.get("total"), self.place.size)
        if self.kind == "link_header":
            return LinkHeaderPages(self.place, more)
        if self.kind == "next_url":
            return NextUrlPages(self.place, read["cursor"], more)
        if self.kind == "cursor":
            return CursorPages(self.place, read["cursor"], more, self.start)
        return (OffsetPages if self.kind == "offset" else NumberedPages)(self.place, ends, self.start)


def plan_paginate(call: Call, config: Paginate, context: Context) -> PagesPlan:
    """Compile how the pages of a call are read, and check what is written of it; ``context`` stands at ``paginate``."""
    _check_call(call, context)
    _check_keys(config, context)
    _check_place(call, config, context)
    return PagesPlan(
        kind=config.kind,
        place=_place(config),
        start=_start(config, context),
        limits=Limits(config.max_pages, config.max_items),
        read=_read(config, context),
    )


def _reader(compiled: Compiled[Any], scope: Scope) -> Read:
    def read(page: Page) -> Any:
        response = {"status": page.response.status, "headers": page.response.headers, "body": page.data}
        try:
            return compiled.evaluate(scope.with_root(page.data).with_extra(response=response, page=page.shown))
        except ExpressionError as error:
            problem = PaginationError(f"page {page.number}: {error.message}")
        raise problem

    return read


def _place(config: Paginate) -> Place:
    param = config.param if "param" in config.model_fields_set else _PARAMS.get(config.kind)
    size_param = config.size_param or ("limit" if config.size is not None else None)
    return Place(param, config.in_, size_param, config.size)


def _start(config: Paginate, context: Context) -> Mark:
    if config.kind == "cursor" or config.kind not in _PARAMS:
        return config.start
    start = {"offset": 0, "page": 1}[config.kind] if config.start is None else config.start
    if isinstance(start, str):
        context.at("start").report(f"the first {config.kind} is a number (got {start!r}). Write one, like 0.")
    return start


def _read(config: Paginate, context: Context) -> dict[str, Compiled[Any]]:
    written = {name: getattr(config, name) for name in _READ if getattr(config, name) is not None}
    if config.kind == "next_url":
        written.setdefault("cursor", "$.next")
    return {name: _compile(name, text, context.at(name)) for name, text in written.items()}


def _compile(name: str, text: str, place: Context) -> Compiled[Any]:
    if name == "more":
        return place.compile("body_condition", text, *_KNOWN)
    if name == "cursor" and text.strip().startswith("$") and not text.strip().startswith("${"):
        return place.compile("body_path", text, *_KNOWN)
    return place.compile("body_expression", text, *_KNOWN)


def _check_call(call: Call, context: Context) -> None:
    if getattr(call, "fallback", None):
        context.report("a listing has no 'fallback': each page has its 'retry'. Remove one of both.")
    if call.save_to is not None and (call.response_transform is not None or call.output_map is not None):
        context.report(
            "with 'save_to' the items are saved as they come, and nothing is left for 'response_transform' or "
            "'output_map'. Remove it, or 'save_to'."
        )


def _check_keys(config: Paginate, context: Context) -> None:
    for key, kinds in _KINDS_OF.items():
        if key in config.model_fields_set and config.kind not in kinds:
            one = " or ".join(kinds)
            context.at(key).report(f"'{key}' belongs to 'kind: {one}', and this is {config.kind}. Remove it.")
    if config.kind == "cursor" and config.cursor is None:
        context.report(
            "'kind: cursor' needs 'cursor': where the answer has the next page's, like '$.next_cursor' or "
            "\"response.headers['x-next'] | default('')\"."
        )
    if config.size_param is not None and config.size is None:
        context.at("size_param").report("'size_param' is the name that 'size' is sent as. Write 'size' too.")


def _check_place(call: Call, config: Paginate, context: Context) -> None:
    if config.in_ != "body":
        return
    written = written_body(call)
    if written is None or not is_json(call.content_type) or (written[0] == "input_map" and call.verb in _QUERIED):
        context.at("in").report(
            "there is no JSON body to put the page into. Write 'payload' (empty: {}), or 'in: query' if the query "
            "asks for the page."
        )
