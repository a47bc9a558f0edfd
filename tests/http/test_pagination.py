"""From page to page: each item once and in order, to an end, for every kind of paging and every honest server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import PaginationError, RequestError
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.pagination import Limits, Page, Paginator, Position, Walk
from airflow_provider_gimme.http.paginators import (
    CursorPages,
    Ends,
    LinkHeaderPages,
    NextUrlPages,
    NumberedPages,
    OffsetPages,
    Place,
)
from airflow_provider_gimme.http.request import Request, Response

URL = "https://api.example/v1/items"
GET = Request("GET", f"{URL}?tag=a", (("sort", "id"),))
NO_PLACE = Place(None)


def answer(body: Any, url: str = URL, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(200, Headers({"Content-Type": "application/json", **headers}), content, url, timedelta(0))


def follow(request: Request, response: Response, link: str) -> Request:
    """Resolve a link; where it may lead is tested with the targets."""
    if "evil" in link:
        raise RequestError("refused")
    return Request(request.method, urljoin(response.url, link), (), request.headers, request.body)


def member(*names: str) -> Callable[[Page], Any]:
    """Read a member of the body, None where there is none."""

    def read(page: Page) -> Any:
        value = page.data
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return read


def walk(paginator: Paginator, **options: Any) -> Walk:
    return Walk(paginator, options.pop("items", member("data")), follow, limits=Limits(**options))


def asked(request: Request) -> dict[str, str]:
    """Return the parameters of a request, of its URL and its query together; none stands twice."""
    found = parse_qs(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


Server = Callable[[Request], Response]


def read_all(walk: Walk, server: Server, request: Request = GET, most: int = 500) -> list[list[Any]]:
    """Walk to the end and return the items of each page."""
    pages: list[list[Any]] = []
    while walk.position is not None:
        assert len(pages) < most, "it does not end"
        sent = walk.request(request)
        pages.append(walk.take(sent, server(sent)))
    return pages


@dataclass(frozen=True)
class Listing:
    """An honest server: it gives its items in order, as many at once as it likes, and says the truth about the rest."""

    items: list[Any]
    sizes: list[int]
    """How many it gives at the n-th place; never more than it was asked for."""

    def cut(self, begin: int, size: int) -> list[Any]:
        return self.items[begin : begin + size]

    def link_header(self, request: Request) -> Response:
        part, after = self._part(int(asked(request).get("at", 0)))
        link = f'<{URL}?at=0>; rel="first"' + (f', <?at={after}>; rel="next"' if after is not None else "")
        return answer({"data": part}, Link=link)

    def next_url(self, request: Request) -> Response:
        part, after = self._part(int(asked(request).get("at", 0)))
        return answer({"data": part, "next": None if after is None else f"{URL}?at={after}"})

    def cursor(self, request: Request) -> Response:
        part, after = self._part(int(asked(request).get("cursor", "c0")[1:]))
        return answer({"data": part, "next": "" if after is None else f"c{after}", "more": after is not None})

    def offset(self, request: Request) -> Response:
        begin = int(asked(request)["offset"])
        size = min(int(asked(request).get("limit", 7)), self.sizes[0])
        return answer({"data": self.cut(begin, size), "total": len(self.items)})

    def page(self, request: Request) -> Response:
        number = int(asked(request)["page"])
        size = min(int(asked(request).get("limit", 7)), self.sizes[0])
        pages = -(-len(self.items) // size)
        more = number < pages
        return answer({"data": self.cut((number - 1) * size, size), "pages": pages, "more": more})

    def _part(self, begin: int) -> tuple[list[Any], int | None]:
        size = self.sizes[begin % len(self.sizes)]
        after = begin + size
        return self.cut(begin, size), after if after < len(self.items) else None


Kind = tuple[str, str, Paginator]


def paginators() -> Iterator[Kind]:
    """Return each kind in its variants: a name, the server's method, the paginator."""
    yield "link_header", "link_header", LinkHeaderPages(NO_PLACE)
    yield "next_url", "next_url", NextUrlPages(NO_PLACE, member("next"))
    yield "cursor", "cursor", CursorPages(Place("cursor"), member("next"))
    yield "cursor with more", "cursor", CursorPages(Place("cursor"), member("next"), member("more"))
    place = Place("offset", size_param="limit", size=5)
    yield "offset", "offset", OffsetPages(Place("offset"), Ends())
    yield "offset of a size", "offset", OffsetPages(place, Ends(size=5))
    yield "offset with total", "offset", OffsetPages(place, Ends(total=member("total"), size=5))
    place = Place("page", size_param="limit", size=5)
    yield "page", "page", NumberedPages(Place("page"), Ends())
    yield "page of a size", "page", NumberedPages(place, Ends(size=5))
    yield "page with total_pages", "page", NumberedPages(place, Ends(total_pages=member("pages")))
    yield "page with more", "page", NumberedPages(place, Ends(more=member("more")))


KINDS = [pytest.param(server, paginator, id=name) for name, server, paginator in paginators()]
ANY_KIND = st.sampled_from(sorted(paginators(), key=repr))
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@given(kind=ANY_KIND, count=st.integers(0, 40), sizes=SIZES)
def test_each_item_comes_once_and_in_order(kind: Kind, count: int, sizes: list[int]) -> None:
    """Whatever the server's sizes, and though it gives fewer at once than asked: all items, in order, and an end."""
    _, server, paginator = kind
    listing = Listing(list(range(count)), sizes)
    pages = read_all(walk(paginator), getattr(listing, server), most=count + 2)
    assert [item for page in pages for item in page] == listing.items


@given(kind=ANY_KIND, count=st.integers(0, 40), sizes=SIZES, wanted=st.integers(1, 45))
def test_no_more_items_than_wanted(kind: Kind, count: int, sizes: list[int], wanted: int) -> None:
    """`max_items` ends a walk with exactly so many, where there are so many, and asks for no page beyond them."""
    _, server, paginator = kind
    listing = Listing(list(range(count)), sizes)
    pages = read_all(walk(paginator, max_items=wanted), getattr(listing, server))
    assert [item for page in pages for item in page] == listing.items[:wanted]
    assert all(pages[:-1]) or count < wanted


@given(kind=ANY_KIND, count=st.integers(0, 40), sizes=SIZES, after=st.integers(0, 5))
def test_another_process_goes_on(kind: Kind, count: int, sizes: list[int], after: int) -> None:
    """From a position that was kept as JSON, the walk goes on as if nothing had happened."""
    _, server, paginator = kind
    listing = Listing(list(range(count)), sizes)
    first, items = walk(paginator), list[Any]()
    marks: list[Any] = []
    while first.position is not None and len(marks) < after:
        marks.append(first.position.mark)
        sent = first.request(GET)
        items += first.take(sent, getattr(listing, server)(sent))
    if first.position is not None:
        kept = json.loads(json.dumps(first.position.to_json()))
        second = Walk(paginator, member("data"), follow, position=Position(**kept), seen=marks)
        items += [item for page in read_all(second, getattr(listing, server)) for item in page]
    assert items == listing.items


@pytest.mark.parametrize("server, paginator", KINDS)
def test_too_many_pages_are_an_error(server: str, paginator: Paginator) -> None:
    """`max_pages` is a guard: a listing that goes on beyond it fails, by name; one that ends there is whole."""
    listing = Listing(list(range(6)), [2])
    pages = read_all(walk(paginator, max_pages=4), getattr(listing, server))
    assert [item for page in pages for item in page] == listing.items
    with pytest.raises(PaginationError, match="'max_pages' 2 were read"):
        read_all(walk(paginator, max_pages=2), getattr(listing, server))


@pytest.mark.parametrize(
    "paginator, body",
    [
        (NextUrlPages(NO_PLACE, member("next")), {"data": [1], "next": "?at=1"}),
        (NextUrlPages(NO_PLACE, member("next")), {"data": [], "next": "https://api.example/v1/items?at=1"}),
        (CursorPages(Place("cursor"), member("next")), {"data": [1], "next": "abc"}),
        (CursorPages(Place("cursor"), member("next"), first="abc"), {"data": [1], "next": "abc"}),
        (CursorPages(Place("cursor", "body"), member("next")), {"data": [1], "next": [1, "x"]}),
        (OffsetPages(Place("offset"), Ends(more=lambda _: True)), {"data": []}),
    ],
)
def test_the_same_page_twice_is_an_error(paginator: Paginator, body: Any) -> None:
    """A server that leads in a circle does not keep us."""
    with pytest.raises(PaginationError, match="was read already"):
        read_all(walk(paginator), lambda _: answer(body), Request("POST", URL, body=b"{}"))


def test_a_circle_of_many_pages_is_an_error() -> None:
    """Not only the page before is known, but all; also in another process."""
    paginator = CursorPages(Place("cursor"), member("next"))
    circle = {None: "a", "a": "b", "b": "c", "c": "a"}
    server: Server = lambda request: answer({"data": [1], "next": circle[asked(request).get("cursor")]})  # noqa: E731
    with pytest.raises(PaginationError, match="page 4 leads"):
        read_all(walk(paginator), server)
    position = Position(4, 3, "c")
    with pytest.raises(PaginationError, match="page 4 leads"):
        read_all(Walk(paginator, member("data"), follow, position=position, seen=[None, "a", "b"]), server)


@pytest.mark.parametrize("kind", [OffsetPages, NumberedPages])
def test_a_server_that_knows_no_parameter_is_found_out(kind: Any) -> None:
    """The same page again and again is an error at the second one, unless something else tells the end."""
    with pytest.raises(PaginationError, match="page 2 is the same"):
        read_all(walk(kind(Place("p"), Ends())), lambda _: answer({"data": [0, 0]}))
    told = kind(Place("p"), Ends(total=member("total")))
    assert read_all(walk(told), lambda _: answer({"data": [0, 0], "total": 4})) == [[0, 0], [0, 0]]


@pytest.mark.parametrize("end", [None, "", False, []])
def test_nothing_is_the_end(end: Any) -> None:
    """Null, empty and false say that there is no next page; so does a member that is not there."""
    for paginator in (NextUrlPages(NO_PLACE, member("next")), CursorPages(Place("cursor"), member("next"))):
        assert read_all(walk(paginator), lambda _: answer({"data": [1], "next": end})) == [[1]]
        assert read_all(walk(paginator), lambda _: answer({"data": [1]})) == [[1]]


def test_more_has_the_last_word() -> None:
    """A cursor that is always there is no reason to go on; `more` without a cursor is an error."""
    paginator = CursorPages(Place("after"), member("last"), member("has_more"))
    assert read_all(walk(paginator), lambda _: answer({"data": [1], "last": "x", "has_more": False})) == [[1]]
    with pytest.raises(PaginationError, match="'more' says that there are more pages, but 'cursor' gave nothing"):
        read_all(walk(paginator), lambda _: answer({"data": [1], "has_more": True}))


@pytest.mark.parametrize(
    "body, expected",
    [({"data": None}, []), (b"", []), (b"null", []), ({"data": []}, [])],
)
def test_an_empty_page_has_no_items(body: Any, expected: list[Any]) -> None:
    """Null, as some servers write an empty list, and no body at all are pages without items."""
    assert read_all(walk(LinkHeaderPages(NO_PLACE)), lambda _: answer(body)) == [expected]


@pytest.mark.parametrize(
    "body, told",
    [
        ({"data": {"a": 1, "b": 2}}, "page 1: 'items' is no list but an object with 'a', 'b'"),
        ({"data": "text"}, "page 1: 'items' is no list but text"),
        ({"data": 3}, "page 1: 'items' is no list but a number"),
    ],
)
def test_items_are_a_list(body: Any, told: str) -> None:
    """An answer without a list where the items should be is no page."""
    with pytest.raises(PaginationError, match=told):
        read_all(walk(LinkHeaderPages(NO_PLACE)), lambda _: answer(body))


@pytest.mark.parametrize("name", ["total", "total_pages"])
@pytest.mark.parametrize("value, pages", [(2, 2), ("2", 2), (2.0, 2), (None, 0), ("many", 0), (True, 0)])
def test_totals_are_numbers(name: str, value: Any, pages: int) -> None:
    """A number, also as text, tells the end; anything else is an error that names the key."""
    ends = Ends(total=lambda _: value) if name == "total" else Ends(total_pages=lambda _: value)
    listing = Listing([1, 2], [1])
    if pages:
        assert len(read_all(walk(NumberedPages(Place("page"), ends)), listing.page)) == pages
    else:
        with pytest.raises(PaginationError, match=f"page 1: '{name}' gave no number"):
            read_all(walk(NumberedPages(Place("page"), ends)), listing.page)


@pytest.mark.parametrize(
    "place, url, query, mark, target",
    [
        (Place("page"), f"{URL}?page=1&tag=a", (), 2, f"{URL}?tag=a&page=2"),
        (Place("page"), f"{URL}?page=1", (("page", "0"), ("sort", "id")), 2, f"{URL}?sort=id&page=2"),
        (Place("page", size_param="limit", size=50), URL, (("limit", "20"),), 1, f"{URL}?page=1&limit=50"),
        (Place("filter[after]"), f"{URL}?filter%5Bafter%5D=x", (), "a b&c", f"{URL}?filter%5Bafter%5D=a%20b%26c"),
        (Place("cursor"), URL, (), None, URL),
        (Place(None), f"{URL}?page=1", (), 2, f"{URL}?page=1"),
    ],
)
def test_the_query_asks_for_the_page(
    place: Place, url: str, query: tuple[tuple[str, str], ...], mark: Any, target: str
) -> None:
    """The parameter stands in the query once, in place of what was written; all else stays."""
    assert place.put(Request("GET", url, query), mark).target == target


@pytest.mark.parametrize(
    "place, body, mark, expected",
    [
        (Place("page", "body"), b'{"a":1,"page":1}', 2, {"a": 1, "page": 2}),
        (Place("page", "body", "limit", 20), None, 1, {"page": 1, "limit": 20}),
        (Place("paging.after", "body"), b'{"paging":{"n":1}}', "x", {"paging": {"n": 1, "after": "x"}}),
        (Place("paging.after", "body"), b"{}", [1, "x"], {"paging": {"after": [1, "x"]}}),
    ],
)
def test_the_body_asks_for_the_page(place: Place, body: bytes | None, mark: Any, expected: Any) -> None:
    """The parameter is a member of the JSON body, at any depth; all else stays."""
    made = place.put(Request("POST", URL, body=body), mark)
    assert isinstance(made.body, bytes)
    assert json.loads(made.body) == expected


@pytest.mark.parametrize("body", [b"[1]", b"<a/>", b'{"paging": 3}'])
def test_a_body_that_is_no_object_cannot_ask(body: bytes) -> None:
    """Where there is no place for the parameter, that is said."""
    with pytest.raises(PaginationError, match="JSON object, to put 'after' into it"):
        Place("paging.after", "body").put(Request("POST", URL, body=body), "x")


def test_a_link_is_resolved_where_the_answer_came_from() -> None:
    """A relative link counts from the answer's own URL, after redirects; its query is the whole query."""
    paginator = LinkHeaderPages(Place(None, size_param="per_page", size=2))
    first = walk(paginator)
    sent = first.request(GET)
    assert sent.target == f"{URL}?tag=a&sort=id&per_page=2"
    first.take(sent, answer({"data": [1]}, "https://api.example/v2/list", Link="<items?p=2>; rel=next"))
    assert first.request(GET).target == "https://api.example/v2/items?p=2"


def test_a_link_that_may_not_be_followed_is_refused_before_it_is_kept() -> None:
    """The page before a refused link has not been taken for the last."""
    first = walk(NextUrlPages(NO_PLACE, member("next")))
    with pytest.raises(RequestError):
        first.take(GET, answer({"data": [1], "next": "https://evil.example/"}))


def test_a_page_has_a_number_for_expressions() -> None:
    """`page` counts from `start` where pages are numbered, else from 1."""
    zero = walk(NumberedPages(Place("page"), Ends(), first=0))
    offset = walk(OffsetPages(Place("offset"), Ends(), first=100))
    numbers = []
    for one in (zero, offset):
        numbers.append(one.number)
        one.take(GET, answer({"data": [1, 2]}))
        numbers.append(one.number)
    assert numbers == [0, 1, 1, 2]
    assert asked(offset.request(GET))["offset"] == "102"
