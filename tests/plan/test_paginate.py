"""What a file says of paging, and how its expressions read a page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_gimme.errors import PaginationError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.pagination import Walk
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.call import CallWork

BASE = "https://api.example/v1"


def work(paginate: str, step: str = "endpoint: /o") -> CallWork:
    """Return what the one step of a workflow does."""
    planned = plan_text(f"name: w\napi_base: {BASE}\nsteps: [{{name: a, {step}, paginate: {paginate}}}]", "w.yaml")
    found = planned.by_id["a"].work
    assert isinstance(found, CallWork)
    return found


def walk(paginate: str, **names: Any) -> Walk:
    """Return the walk of the one step of a workflow."""
    pages = work(paginate).pages
    assert pages is not None
    return pages.walk(Scope(**names), lambda request, _, link: Request(request.method, link))


def answer(body: Any, **headers: str) -> Response:
    headers = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return Response(200, Headers(headers), json.dumps(body).encode(), BASE, timedelta(0))


def steps(walk: Walk, *answers: Response) -> list[Any]:
    """Return the items of each page, and then what asks for the page after it, None at the end."""
    taken: list[Any] = []
    for each in answers:
        sent = walk.request(Request("GET", BASE))
        taken += [walk.take(sent, each), None if walk.position is None else walk.position.mark]
    return taken


@pytest.mark.parametrize(
    "paginate, target",
    [
        ("{kind: link_header}", ""),
        ("{kind: link_header, size: 100, size_param: per_page}", "?per_page=100"),
        ("{kind: next_url, items: $.data}", ""),
        ("{kind: cursor, cursor: $.next}", ""),
        ("{kind: cursor, cursor: $.next, start: '*'}", "?cursor=%2A"),
        ("{kind: cursor, cursor: $.next, start: -1, param: after}", "?after=-1"),
        ("{kind: offset}", "?offset=0"),
        ("{kind: offset, start: 10, param: skip, size: 50, size_param: take}", "?skip=10&take=50"),
        ("{kind: page}", "?page=1"),
        ("{kind: page, size: 20, start: 0}", "?page=0&limit=20"),
        ("{kind: page, param: null}", ""),
    ],
)
def test_the_first_page_is_asked_for_by_default(paginate: str, target: str) -> None:
    """Without a word about it, pages are counted from 1, offsets from 0, under their kinds' names."""
    assert walk(paginate).request(Request("GET", BASE)).target == BASE + target


@pytest.mark.parametrize(
    "paginate, first",
    [
        ("{kind: next_url, items: $.data}", {"data": [1], "next": "https://api.example/2"}),
        ("{kind: next_url, items: $.data, cursor: $.paging.next}", {"data": [1], "paging": {"next": "/2"}}),
        ("{kind: cursor, items: $.data, cursor: '$.data[-1].id'}", {"data": [{"id": 7}]}),
        ("{kind: cursor, items: response.body.data, cursor: response.body.n}", {"data": [1], "n": "x"}),
        ("{kind: cursor, items: $.data, cursor: \"response.headers['X-Next']\"}", {"data": [1]}),
        ("{kind: page, items: $.data, more: $.more}", {"data": [1], "more": True}),
        ("{kind: page, items: $.data, more: $.more == true}", {"data": [1], "more": True}),
        ("{kind: page, items: $.data, more: '{{ page < response.body.pages }}'}", {"data": [1], "pages": 2}),
        ("{kind: page, items: $.data, more: page < inputs.pages}", {"data": [1]}),
        ("{kind: page, items: $.data, total_pages: $.paging.pages}", {"data": [1], "paging": {"pages": 2}}),
        ("{kind: page, items: $.data, total: '{{ response.body.total }}'}", {"data": [1], "total": 2}),
        ("{kind: offset, items: $.data, total: $.total}", {"data": [1], "total": "2"}),
        ("{kind: page}", [1]),
        ("{kind: page, items: '$.data[*].name'}", {"data": [{"name": 1}]}),
    ],
)
def test_expressions_read_the_page(paginate: str, first: Any) -> None:
    """Paths over the body, and expressions over `response` and `page`, say what is there and whether there is more."""
    items, mark = steps(walk(paginate, inputs={"pages": 2}), answer(first, X_Next="abc"))
    assert len(items) == 1
    assert mark is not None


@pytest.mark.parametrize(
    "paginate, last",
    [
        ("{kind: next_url, items: $.data}", {"data": [1]}),
        ("{kind: cursor, items: $.data, cursor: '$.data[-1].id'}", {"data": []}),
        ("{kind: cursor, items: $.data, cursor: \"response.headers['X-Other'] | default('')\"}", {"data": [1]}),
        ("{kind: page, items: $.data, more: $.more == true}", {"data": [1], "more": False}),
        ("{kind: page, items: $.data, total_pages: $.pages}", {"data": [1], "pages": 1}),
        ("{kind: offset, items: $.data, total: $.total}", {"data": [1], "total": 1}),
        ("{kind: page, items: $.data, max_items: 1}", {"data": [1]}),
        ("{kind: page}", []),
    ],
)
def test_expressions_tell_the_end(paginate: str, last: Any) -> None:
    """What is absent, false or reached is the end."""
    assert steps(walk(paginate), answer(last))[1] is None


@pytest.mark.parametrize(
    "paginate, body, told",
    [
        ("{kind: page, items: $.data}", {"error": "x"}, r"page 1: paginate.items: '\$.data' selects nothing"),
        ("{kind: page, items: $.data}", "text", r"page 1: paginate.items: '\$.data' selects nothing"),
        ("{kind: page, items: $.data}", {"data": {"a": 1}}, "page 1: 'items' is no list but an object with 'a'"),
        ("{kind: page, items: $.data, more: $.more == true}", {"data": [1]}, "page 1: paginate.more: "),
        ("{kind: page, items: $.data, more: $.more}", {"data": [1], "more": 1}, "a condition is true or false"),
        ("{kind: offset, items: $.data, total: $.n}", {"data": [1]}, r"paginate.total: '\$.n' selects nothing"),
    ],
)
def test_what_is_not_there_is_named(paginate: str, body: Any, told: str) -> None:
    """An error says at which page which key found nothing."""
    with pytest.raises(PaginationError, match=told):
        steps(walk(paginate), answer(body))


def test_the_request_of_a_page_knows_its_number() -> None:
    """A template of the call may place the page's number itself."""
    found = work("{kind: page, param: null}", "endpoint: '/o/page/{{ page }}'")
    assert found.render(Scope().with_extra(page=3), BASE, None).url == f"{BASE}/o/page/3"


def test_a_page_and_its_size_in_a_json_body() -> None:
    """An API that takes `page` and `limit` as members of its JSON body gets them there, beside all else."""
    found = work(
        "{kind: page, in: body, size: 100, items: $.content_items, total_pages: $.pagination.total_pages}",
        "endpoint: /generate, payload: {content_type: daily_recap, limit: 20}",
    )
    assert found.pages is not None
    through = found.pages.walk(Scope(), lambda request, *_: request)
    body = {"content_items": [{"id": 1}], "pagination": {"total_pages": 2}}
    sent = []
    while through.position is not None:
        request = through.request(found.render(Scope().with_extra(page=through.number), BASE, None))
        assert isinstance(request.body, bytes)
        sent.append(json.loads(request.body))
        through.take(request, answer(body))
    assert sent == [{"content_type": "daily_recap", "limit": 100, "page": number} for number in (1, 2)]


def test_a_step_that_reads_pages_has_no_limit_of_its_own() -> None:
    """Nobody knows how many pages there are; an attempt has a limit, and the step only where one is written."""
    text = f"name: w\napi_base: {BASE}\nsteps: [{{name: a, endpoint: /o, paginate: {{kind: page}}}}]"
    step = plan_text(text, "w.yaml").by_id["a"]
    assert (step.timeout, step.attempt_timeout) == (None, timedelta(seconds=60))
    step = plan_text(text.replace("/o,", "/o, timeout: 5m, retry: {timeout: 3s},"), "w.yaml").by_id["a"]
    assert (step.timeout, step.attempt_timeout) == (timedelta(minutes=5), timedelta(seconds=3))
    step = plan_text(text.replace("/o,", "/o, timeout: 5m,"), "w.yaml").by_id["a"]
    assert (step.timeout, step.attempt_timeout) == (timedelta(minutes=5), timedelta(seconds=60))
