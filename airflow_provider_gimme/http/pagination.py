"""All pages of a listing, one after the other: which request asks for the next page, and when it was the last.

Nothing here sends anything or waits: a :class:`Walk` says what to ask for and takes the answers. Where it stands is
plain data, so that another process can go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Protocol

from airflow_provider_gimme.errors import PaginationError
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.request import Request, Response

__all__ = ["Follow", "Limits", "Mark", "Page", "Paginator", "Position", "Read", "Walk"]

Mark = Any
"""What asks for one page, as JSON: a URL, a cursor, an offset, a number; None for the first page as it is written."""

Follow = Callable[[Request, Response, str], Request]
"""Return the request for a link that an answer gave; raise a ``RequestError`` where no call may go."""


@dataclass(frozen=True)
class Page:
    """One page that was answered."""

    number: int
    """Which one it is, from 1."""
    shown: int
    """The number that expressions see as ``page``."""
    response: Response
    data: Any
    """The body: JSON, text, or None."""
    items: list[Any] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """What tells the body from other bodies."""
        return blake2b(self.response.body, digest_size=16).hexdigest()


Read = Callable[[Page], Any]
"""Read something from a page; what is not there raises an error that says so."""


@dataclass(frozen=True)
class Position:
    """Where a walk stands: at the page that comes next."""

    number: int = 1
    """Which page that is, from 1."""
    items: int = 0
    """How many items came before it."""
    mark: Mark = None
    """What asks for it."""
    fullest: int = 0
    """How many items the fullest page before it had."""
    digest: str = ""
    """What tells the body of the page before it."""

    def to_json(self) -> dict[str, Any]:
        """Return the position as JSON types."""
        return asdict(self)


class Paginator(Protocol):
    """One way to get from page to page."""

    @property
    def follows(self) -> bool:
        """Whether a mark is a link that the answer gave, to be followed rather than put into the request."""
        ...

    @property
    def first(self) -> Mark:
        """What asks for the first page."""
        ...

    def number(self, at: Position) -> int:
        """Return the number of a page as expressions see it."""
        ...

    def ask(self, request: Request, mark: Mark) -> Request:
        """Return the request for a page: the written one, with the mark put in where it is not a link."""
        ...

    def next(self, at: Position, page: Page) -> Mark:
        """Return what asks for the page after ``page``, which was asked for at ``at``; None where it was the last."""
        ...


@dataclass(frozen=True)
class Limits:
    """How far a walk goes at most."""

    max_pages: int = 1000
    """More pages are an error: it guards against a listing that never ends."""
    max_items: int | None = None
    """More items are not wanted: the walk ends with exactly so many."""


class Walk:
    """Go through the pages of one listing.

    Ask :meth:`request` for the request of the page that comes next, give its answer to :meth:`take`, until
    :attr:`position` is None.
    """

    def __init__(
        self,
        paginator: Paginator,
        items: Read,
        follow: Follow,
        *,
        limits: Limits = Limits(),
        position: Position | None = None,
        seen: Iterable[Mark] = (),
    ) -> None:
        """Begin at the first page, or go on at ``position``; ``seen`` are the marks of the pages before it."""
        self._paginator = paginator
        self._items = items
        self._follow = follow
        self._limits = limits
        self.position: Position | None = position or Position(mark=paginator.first)
        """The page that comes next; None where there is none."""
        self._seen = {_key(mark) for mark in seen}

    @property
    def number(self) -> int:
        """The number of the page that comes next, as expressions see it."""
        return self._paginator.number(self._at())

    def request(self, written: Request) -> Request:
        """Return the request for the page that comes next, made of the one that the file writes."""
        mark = self._at().mark
        if not self._paginator.follows or mark is None:
            return self._paginator.ask(written, mark)
        asked = self._paginator.ask(written, None)
        return self._follow(asked, _whence(mark), mark)

    def take(self, request: Request, response: Response) -> list[Any]:
        """Take the answer to ``request``, go on to the next page, and return the items that are wanted of this one.

        :raises PaginationError: where the answer is no page, leads back to an earlier one, or one beyond ``max_pages``.
        """
        at = self._at()
        page = Page(at.number, self.number, response, response.data())
        page = replace(page, items=self._items_of(page))
        items = page.items if self._limits.max_items is None else page.items[: self._limits.max_items - at.items]
        self.position = self._after(at, page, request, len(items))
        return items

    def _at(self) -> Position:
        if self.position is None:
            raise RuntimeError("the walk has come to its end")
        return self.position

    def _items_of(self, page: Page) -> list[Any]:
        found = None if page.data is None else self._items(page)
        if found is None:
            return []
        if not isinstance(found, list):
            raise PaginationError(f"page {page.number}: 'items' is no list but {_kind(found)}. Correct the path.")
        return found

    def _after(self, at: Position, page: Page, request: Request, taken: int) -> Position | None:
        if self._limits.max_items is not None and at.items + taken >= self._limits.max_items:
            return None
        mark = self._paginator.next(at, page)
        if mark is None:
            return None
        if self._paginator.follows:
            mark = self._follow(request, page.response, mark).target
        self._check(at, mark)
        return Position(at.number + 1, at.items + taken, mark, max(at.fullest, len(page.items)), page.digest)

    def _check(self, at: Position, mark: Mark) -> None:
        self._seen.add(_key(at.mark))
        if _key(mark) in self._seen:
            raise PaginationError(
                f"page {at.number} leads to a page that was read already, so the pages would never end. Is 'cursor' "
                "the next page's, and does the API know 'param'?"
            )
        if at.number >= self._limits.max_pages:
            raise PaginationError(
                f"'max_pages' {self._limits.max_pages:,} were read ({at.items:,} items and more), and there are more. "
                "Raise 'max_pages', ask for more items a page, or write 'max_items' for as many as are enough."
            )


def _whence(url: str) -> Response:
    """Return the answer that stands for the one a link came from: the link was checked when it came."""
    return Response(200, Headers(), b"", url, timedelta(0))


def _key(mark: Mark) -> str:
    """Return what is equal for equal marks."""
    return json.dumps(mark, sort_keys=True)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object with {', '.join(repr(str(name)[:50]) for name in list(value)[:5]) or 'nothing in it'}"
    return {str: "text", bool: "a boolean"}.get(type(value), "a number")
