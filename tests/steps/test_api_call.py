"""How the request of an ``api_call`` step is made, and what its answer gives."""

from __future__ import annotations

import json
from datetime import timedelta
from textwrap import dedent
from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError, GimmeError
from airflow_provider_gimme.expressions import Scope, StepResult
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.address import join_url
from airflow_provider_gimme.plan.call import CallWork

BASE = "https://api.example/v1"


def work(step: str, head: str = "") -> CallWork:
    """Return what the one step of a workflow does."""
    text = f"name: w\napi_base: {BASE}\n{dedent(head)}steps:\n  - name: a\n    output_key: x\n"
    planned = plan_text(text + "".join(f"    {line}\n" for line in dedent(step).strip().splitlines()), "w.yaml")
    found = planned.by_id["a"].work
    assert isinstance(found, CallWork)
    return found


def scope(**names: Any) -> Scope:
    """Return a scope with secrets that tell their names."""
    parts = {"inputs": {}, "variables": {}, "steps": {}, "outputs": {}, "run": {"id": "r"}, "provider_id": None}
    return Scope(**{**parts, "secret": lambda name: f"<{name}>", **names})


def render(step: str, head: str = "", key: str | None = "k", **names: Any) -> Request:
    """Return the request of the one step of a workflow."""
    return work(step, head).render(scope(**names), BASE, key)


def body(request: Request) -> Any:
    """Return a JSON body."""
    assert isinstance(request.body, bytes)
    return json.loads(request.body)


def answer(content: bytes, content_type: str = "application/json") -> Response:
    """Return an answer with a body."""
    return Response(200, Headers({"Content-Type": content_type}), content, BASE, timedelta(0))


@pytest.mark.parametrize(
    "path, expected",
    [
        ("/orders", "https://api.example/v1/orders"),
        ("orders", "https://api.example/v1/orders"),
        ("", "https://api.example/v1"),
        ("?a=1", "https://api.example/v1?a=1"),
        ("https://other.example/x", "https://other.example/x"),
    ],
)
def test_the_path_of_the_base_is_kept(path: str, expected: str) -> None:
    """``/v1`` and ``/orders`` make ``/v1/orders``; an absolute URL stays as it is."""
    assert join_url(BASE, path) == expected
    assert join_url(BASE + "/", path) in {expected, expected + "/"}


def test_a_get_has_no_body_and_repeats_lists_in_its_query() -> None:
    """A list repeats its name, null is left out, true is ``true``."""
    request = render("endpoint: /o\nquery: {tag: [a, b], none: null, on: true, n: '{{ inputs.n }}'}", inputs={"n": 3})
    assert request.method == "GET"
    assert request.body is None
    assert request.query == (("tag", "a"), ("tag", "b"), ("on", "true"), ("n", "3"))


def test_a_payload_keeps_types_and_makes_a_post() -> None:
    """A lone expression keeps its type; text around it makes text."""
    request = render("payload: {n: '{{ inputs.n }}', t: 'n={{ inputs.n }}', p: $.input.n}", inputs={"n": 3})
    assert request.method == "POST"
    assert body(request) == {"n": 3, "t": "n=3", "p": 3}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == "k"


def test_no_value_can_break_out_of_a_payload_template() -> None:
    """What an input says stays text in the place where it stands."""
    hostile = 'a", "admin": true, "b": "'
    step = 'payload_template: |\n  {"topic": "{{ inputs.t }}", "all": {{ inputs.l | tojson }}}'
    request = render(step, inputs={"t": hostile, "l": [hostile]})
    assert body(request) == {"topic": hostile, "all": [hostile]}


def test_what_stands_in_the_path_is_not_sent_again() -> None:
    """A name of the ``input_map`` that the path takes does not go into the body."""
    request = render("endpoint: /o/{id}/x\nmethod: PUT\ninput_map: {id: $.input.id, v: 1}", inputs={"id": "a/b c"})
    assert request.url == f"{BASE}/o/a%2Fb%20c/x"
    assert body(request) == {"v": 1}


def test_the_input_map_of_a_get_is_its_query() -> None:
    """GET and DELETE have no body, so what is mapped goes into the query."""
    request = render("endpoint: /o\nmethod: GET\ninput_map: {a: $.input.a, gone: $.input.gone}", inputs={"a": "x"})
    assert request.body is None
    assert request.query == (("a", "x"),)


def test_a_path_takes_inputs_and_variables() -> None:
    """``{name}`` is looked up in the map, the inputs, then the variables."""
    request = render(
        "endpoint: /{kind}/{id}", "variables: {kind: books}\n", variables={"kind": "books"}, inputs={"id": 7}
    )
    assert request.url == f"{BASE}/books/7"


def test_a_path_cannot_climb() -> None:
    """``..`` out of an input is refused, in any spelling."""
    with pytest.raises(GimmeError):
        render("endpoint: '/o/{{ inputs.id }}'", inputs={"id": "../../admin"})


def test_nearer_headers_win_whatever_their_case() -> None:
    """A step's header replaces the service's, which replaces the workflow's."""
    head = """
    headers: {X-Team: all, X-Trace: "${TRACE}"}
    services: {s: {headers: {x-team: some}}}
    """
    request = render("service: s\nheaders: {X-TEAM: mine}", head)
    assert {name.lower(): text for name, text in request.headers.items()} == {"x-team": "mine", "x-trace": "<TRACE>"}


@pytest.mark.parametrize(
    "step, header, member",
    [
        ("payload: {a: 1}", "k", None),
        ("payload: {a: 1}\nmethod: PUT", None, None),
        ("payload: {a: 1}\nmethod: PUT\nidempotency: {header: X-Key}", None, None),
        ("payload: {a: 1}\nidempotency: false", None, None),
        ("payload: {a: 1}\nidempotency: {body: idempotency_key}", None, "k"),
    ],
)
def test_the_key_goes_where_the_file_says(step: str, header: str | None, member: str | None) -> None:
    """POST and PATCH carry a key by default; others where it is asked for."""
    planned = work(step)
    request = planned.render(scope(), BASE, planned.key(scope(), "k"))
    assert request.headers.get("Idempotency-Key") == header
    assert body(request).get("idempotency_key") == member
    if "X-Key" in step:
        assert request.headers["X-Key"] == "k"


def test_a_files_own_key_is_rendered() -> None:
    """``idempotency.key`` is a template over the scope."""
    planned = work("payload: {a: 1}\nidempotency: {key: 'order-{{ inputs.n }}'}")
    assert planned.key(scope(inputs={"n": 5}), "k") == "order-5"


def test_a_form_is_written_as_a_form() -> None:
    """``content_type: form`` makes name=value pairs."""
    request = render("content_type: form\npayload: {a: 'x y', b: [1, 2]}")
    assert request.body == b"a=x+y&b=1&b=2"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_text_body_is_sent_as_it_is() -> None:
    """A template that is not JSON is text."""
    request = render("content_type: application/xml\npayload_template: '<a>{{ inputs.a }}</a>'", inputs={"a": 1})
    assert request.body == b"<a>1</a>"
    assert request.headers["Content-Type"] == "application/xml"


def test_a_form_of_a_list_is_an_error() -> None:
    """A body that cannot be written as its type says so."""
    with pytest.raises(ExpressionError, match="a form's body is a map"):
        render("content_type: form\npayload: [1, 2]")


@pytest.mark.parametrize(
    "step, content, expected",
    [
        ("endpoint: /", b'{"id": 1}', {"id": 1}),
        ("endpoint: /", b"", None),
        ("endpoint: /\nresponse_transform: '{{ response.body.rows | length }}'", b'{"rows": [1, 2]}', 2),
        ("endpoint: /\nresponse_transform: response.body.rows", b'{"rows": [1, 2]}', [1, 2]),
        ("endpoint: /\nresponse_transform: 'status {{ response.status }}'", b"{}", "status 200"),
        ("endpoint: /\nresponse_transform: {n: '{{ response.body.n }}'}", b'{"n": 3}', {"n": 3}),
        ("endpoint: /\nresponse_transform: '{\"n\": {{ response.body.n }}}'", b'{"n": "q\\""}', {"n": 'q"'}),
        ("endpoint: /\noutput_map: {d: $.deltas, gone: $.gone}", b'{"deltas": [1]}', {"d": [1], "gone": None}),
    ],
)
def test_the_output_is_what_the_file_makes_of_the_answer(step: str, content: bytes, expected: object) -> None:
    """The body, a transform over ``response``, or a map over the body; types are kept."""
    assert work(step).output(scope(), answer(content)) == expected


def test_an_answer_that_is_not_json_is_text() -> None:
    """Plain text stays text."""
    assert work("endpoint: /").output(scope(), answer(b"hi", "text/plain")) == "hi"


def test_good_statuses_are_those_expected() -> None:
    """2xx by default; a list takes numbers and classes."""
    assert [work("endpoint: /").accepts(status) for status in (200, 204, 301, 404)] == [True, True, False, False]
    listed = work("endpoint: /\nexpect: {status: [2xx, 404]}")
    assert [listed.accepts(status) for status in (200, 404, 500)] == [True, True, False]


def test_an_earlier_output_is_there_by_name() -> None:
    """``steps.<name>`` is that step's output."""
    text = f"name: w\napi_base: {BASE}\nsteps: [{{name: a}}, {{name: b, payload: {{n: '{{{{ steps.a.n }}}}'}}}}]\n"
    found = plan_text(text, "w.yaml").by_id["b"].work
    assert isinstance(found, CallWork)
    request = found.render(scope(steps={"a": StepResult({"n": 4}, "success")}), BASE, None)
    assert body(request) == {"n": 4}


def test_headers_of_a_service_are_nearer_than_those_of_the_defaults() -> None:
    """A service's own header wins over ``defaults`` whatever its case; the group's and the step's win over both."""
    head = """
    headers: {X-A: workflow, X-D: workflow}
    defaults: {headers: {x-a: default, X-B: default, X-C: default}}
    groups: {g: {headers: {X-C: group}}}
    services: {s: {api_base: "https://api.example/v1", headers: {X-A: service, X-C: service}}}
    """
    made = render("service: s\nparallel_group: g\nheaders: {X-E: step}", head).headers
    assert made == {"X-A": "service", "X-B": "default", "X-C": "group", "X-D": "workflow", "X-E": "step"}
    assert render("endpoint: /x", head).headers["x-a"] == "default"


def test_the_key_of_a_call_is_known_wherever_the_call_is_written() -> None:
    """An API may want the key in its path, its query or a header of its own."""
    key = "{{ call.idempotency_key }}"
    made = render(f"endpoint: '/{key}'\nquery: {{q: '{key}'}}\nheaders: {{X-Ref: '{key}'}}\npayload: {{id: '{key}'}}")
    assert (made.url, made.query, made.headers["X-Ref"], made.body) == (f"{BASE}/k", (("q", "k"),), "k", b'{"id":"k"}')
