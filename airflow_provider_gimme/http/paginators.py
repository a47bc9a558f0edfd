"""The ways to get from page to page: links, cursors, offsets, numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import unquote_plus

from airflow_provider_gimme.errors import PaginationError
from airflow_provider_gimme.http.link_header import related_link
from airflow_provider_gimme.http.pagination import Mark, Page, Position, Read
from airflow_provider_gimme.http.request import Request

__all__ = ["CursorPages", "Ends", "LinkHeaderPages", "NextUrlPages", "NumberedPages", "OffsetPages", "Place"]


@dataclass(frozen=True)
class Place:
    """Where in a request a page is asked for."""

    param: str | None
    """The name of the parameter; in a body, ``a.b`` is the member ``b`` of ``a``. None: the file places it itself."""
    where: Literal["query", "body"] = "query"
    size_param: str | None = None
    """The name under which the size of a page is sent."""
    size: int | None = None
    """How many items a page shall have."""

    def put(self, request: Request, mark: Mark) -> Request:
        """Return the request with the mark and the size in it, each in place of what stood there.

        :raises PaginationError: where the body is no JSON object.
        """
        values = {self.param: mark, self.size_param: self.size}
        wanted = {name: value for name, value in values.items() if name is not None and value is not None}
        if not wanted:
            return request
        return _in_query(request, wanted) if self.where == "query" else _in_body(request, wanted)


@dataclass(frozen=True)
class Ends:
    """What tells that a page was the last, in this order; the first that is written decides.

    ``more`` (true: there are more); ``total_pages``; ``total``, of items. Whichever of the latter two is written, and
    without any of the three, an empty page is the last. Without any, with ``size``, a page with fewer items than the
    fullest before it is the last: fewer than ``size`` alone could be a server that gives no more at once. And without
    any, a page with the very same body as the one before it is an error: the API does not know the parameter.
    """

    more: Read | None = None
    total_pages: Read | None = None
    total: Read | None = None
    size: int | None = None

    def last(self, at: Position, page: Page) -> bool:
        """Say whether a page was the last.

        :raises PaginationError: where what is read is not what it should be, or the page is that before it.
        """
        if self.more is not None:
            return not self.more(page)
        if not page.items:
            return True
        if self.total_pages is not None:
            return at.number >= _count(self.total_pages(page), "total_pages", page)
        if self.total is not None:
            return at.items + len(page.items) >= _count(self.total(page), "total", page)
        if page.digest == at.digest:
            raise PaginationError(
                f"page {at.number} is the same as the page before it, so the pages would never end. Does the API know "
                "'param', and is it 'in' the right place? Where pages may be equal, write 'more', 'total' or "
                "'total_pages'."
            )
        return self.size is not None and len(page.items) < at.fullest


@dataclass(frozen=True)
class LinkHeaderPages:
    """Follow the link ``next`` of the header ``Link`` (RFC 8288); without one a page was the last."""

    place: Place
    more: Read | None = None
    follows = True
    first: Mark = None

    def number(self, at: Position) -> int:
        """Return the number of a page, from 1."""
        return at.number

    def ask(self, request: Request, mark: Mark) -> Request:
        """Return the request for the first page; the others are links."""
        return self.place.put(request, mark)

    def next(self, at: Position, page: Page) -> Mark:
        """Return the link to the next page, None where there is none."""
        link = related_link(page.response.headers.get("link"), "next", page.response.url)
        return _agreed(link, self.more, at, page, "the header 'Link' has no link 'next'")


@dataclass(frozen=True)
class NextUrlPages:
    """Follow a URL in the answer; null, false or empty text: a page was the last."""

    place: Place
    url: Read
    more: Read | None = None
    follows = True
    first: Mark = None

    def number(self, at: Position) -> int:
        """Return the number of a page, from 1."""
        return at.number

    def ask(self, request: Request, mark: Mark) -> Request:
        """Return the request for the first page; the others are links."""
        return self.place.put(request, mark)

    def next(self, at: Position, page: Page) -> Mark:
        """Return the URL of the next page, None where there is none."""
        url = _agreed(self.url(page), self.more, at, page, "'cursor' gave no URL")
        if url is not None and not isinstance(url, str):
            raise PaginationError(f"page {at.number}: 'cursor' gave no text that could be a URL. Correct the path.")
        return url


@dataclass(frozen=True)
class CursorPages:
    """Send back a value of the answer; null, false or empty: a page was the last."""

    place: Place
    cursor: Read
    more: Read | None = None
    first: Mark = None
    """The cursor of the first page, where one is sent."""
    follows = False

    def number(self, at: Position) -> int:
        """Return the number of a page, from 1."""
        return at.number

    def ask(self, request: Request, mark: Mark) -> Request:
        """Return the request with the cursor in it."""
        return self.place.put(request, mark)

    def next(self, at: Position, page: Page) -> Mark:
        """Return the next page's cursor, None where there is none."""
        return _agreed(self.cursor(page), self.more, at, page, "'cursor' gave nothing")


@dataclass(frozen=True)
class OffsetPages:
    """Send how many items to leave out: ``first``, and one more for each item that came."""

    place: Place
    ends: Ends
    first: Mark = 0
    follows = False

    def number(self, at: Position) -> int:
        """Return the number of a page, from 1."""
        return at.number

    def ask(self, request: Request, mark: Mark) -> Request:
        """Return the request with the offset in it."""
        return self.place.put(request, mark)

    def next(self, at: Position, page: Page) -> Mark:
        """Return the offset of the next page, None where there is none."""
        return None if self.ends.last(at, page) else at.mark + len(page.items)


@dataclass(frozen=True)
class NumberedPages:
    """Send the number of the page: ``first``, and one more each time."""

    place: Place
    ends: Ends
    first: Mark = 1
    follows = False

    def number(self, at: Position) -> int:
        """Return the number of a page, from ``first``."""
        return int(at.mark)

    def ask(self, request: Request, mark: Mark) -> Request:
        """Return the request with the number in it."""
        return self.place.put(request, mark)

    def next(self, at: Position, page: Page) -> Mark:
        """Return the number of the next page, None where there is none."""
        return None if self.ends.last(at, page) else at.mark + 1


def _agreed(mark: Mark, more: Read | None, at: Position, page: Page, missing: str) -> Mark:
    """Return the next page's mark, None where there is none or ``more`` says so."""
    if more is not None and not more(page):
        return None
    if mark is not None and mark is not False and mark not in ("", []):
        return mark
    if more is not None:
        raise PaginationError(f"page {at.number}: 'more' says that there are more pages, but {missing}")
    return None


def _count(found: Any, name: str, page: Page) -> int:
    """Return a number of pages or items; text of digits is one too."""
    if isinstance(found, str) and found.strip().isdecimal() and len(found) < 19:
        return int(found)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return int(found)
    raise PaginationError(f"page {page.number}: '{name}' gave no number. Correct the path, or write 'more'.")


def _in_query(request: Request, values: Mapping[str, Any]) -> Request:
    """Put parameters into the query, in place of those of the same names, in the URL itself too."""
    kept = tuple((name, text) for name, text in request.query if name not in values)
    return replace(
        request,
        url=_without(request.url, values),
        query=(*kept, *((name, _text(value)) for name, value in values.items())),
    )


def _without(url: str, names: Mapping[str, Any]) -> str:
    """Return a URL without some parameters."""
    path, mark, query = url.partition("#")[0].partition("?")
    kept = [part for part in query.split("&") if unquote_plus(part.partition("=")[0]) not in names]
    return f"{path}?{'&'.join(kept)}" if mark and any(kept) else path


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _in_body(request: Request, values: Mapping[str, Any]) -> Request:
    """Put members into the JSON body."""
    written = b"{}" if request.body is None else request.body
    try:
        body = json.loads(written) if isinstance(written, bytes) else None
    except ValueError:
        body = None
    for name, value in values.items():
        body = _with_member(body, name.split("."), value)
    return replace(request, body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def _with_member(body: Any, path: list[str], value: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise PaginationError(f"'in: body' needs a body that is a JSON object, to put '{path[-1]}' into it")
    first, *rest = path
    return {**body, first: _with_member(body.get(first, {}), rest, value) if rest else value}
