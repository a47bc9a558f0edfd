"""Requests and answers as plain data."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from airflow_provider_gimme.errors import BodyError
from airflow_provider_gimme.http import BasicAuth, BearerAuth, Headers, Request, Response


def answer(body: bytes, content_type: str | None = None, status: int = 200) -> Response:
    headers = Headers({} if content_type is None else {"Content-Type": content_type})
    return Response(status, headers, body, "http://h/?k=s3cr3t", timedelta(seconds=1), "GET http://h/?k=***")


TARGETS = [
    ("http://h/x", (), "http://h/x"),
    ("http://h/x#part", (), "http://h/x"),
    ("http://h/x", (("a", "1"), ("a", "2")), "http://h/x?a=1&a=2"),
    ("http://h/x?b=0#p", (("a b", "ü/&=+"),), "http://h/x?b=0&a%20b=%C3%BC%2F%26%3D%2B"),
    ("http://h/x?", (("a", ""),), "http://h/x?a="),
]


@pytest.mark.parametrize("url,query,target", TARGETS)
def test_the_query_is_put_behind_the_url(url: str, query: tuple[tuple[str, str], ...], target: str) -> None:
    """Encoded, repeated where it is repeated, after what stands there; a fragment is not sent."""
    assert Request("GET", url, query).target == target


DATA = [
    (b"", None, None),
    (b"  \n", "application/json", None),
    (b'{"a": 1}', "application/json", {"a": 1}),
    (b"12", "application/json; charset=utf-8", 12),
    (b'"x"', "application/problem+json", "x"),
    (b"\xef\xbb\xbf[1]", "application/json", [1]),
    ('["é"]'.encode("latin-1"), "application/json; charset=ISO-8859-1", ["é"]),
    (b' {"a": 1}', None, {"a": 1}),
    (b"[1]", "text/html", [1]),
    (b"[note] hello", "text/plain", "[note] hello"),
    (b"{not json}", None, "{not json}"),
    (b'{"a": NaN}', None, '{"a": NaN}'),
    (b"12", None, "12"),
    (b"true", "text/plain", "true"),
    (b'{"a": 1}\n', "application/x-ndjson", [{"a": 1}]),
    ("Grüße".encode(), None, "Grüße"),
    ("Grüße".encode("latin-1"), "text/plain", "Grüße"),
    ("Grüße".encode("latin-1"), 'text/plain; charset="latin-1"; x=y', "Grüße"),
    (b"abc", "text/plain; charset=no-such", "abc"),
    (b"a,b", "application/octet-stream", "a,b"),
]


@pytest.mark.parametrize("body,content_type,data", DATA)
def test_a_body_is_what_it_is(body: bytes, content_type: str | None, data: object) -> None:
    """Nothing is null; what says or looks so is JSON; the rest is text."""
    response = answer(body, content_type)
    assert response.data() == data
    assert response.plain() == {"status": 200, "headers": response.headers, "body": data}


UNREADABLE = [
    (b"\x89PNG\xff", "image/png", "(image/png, 5 bytes) is binary, and an output is JSON or text"),
    (b"a\0b", None, "(no type given, 3 bytes) is binary"),
    (b"a\0b", "text/plain", "is binary"),
    (b"<html>", "application/json", "says that it is JSON and is not (Expecting value: line 1 column 1 (char 0))"),
    (b"[NaN]", "application/json", "says that it is JSON and is not (NaN is not a JSON value)"),
    (b"\xff{}", "application/json", "says that it is text in UTF-8 and is not; its server sends another charset"),
    (b"\x81", "application/csv; charset=cp1252", "says that it is text in CP1252 and is not"),
    (b"[" * 100_000, "application/json", "(it is nested too deeply)"),
]


@pytest.mark.parametrize("body,content_type,words", UNREADABLE, ids=[words for _, _, words in UNREADABLE])
def test_a_body_that_cannot_be_read_is_an_error(body: bytes, content_type: str | None, words: str) -> None:
    """It names the call (redacted), the status, the type and the size, and not the body."""
    with pytest.raises(BodyError) as caught:
        answer(body, content_type).data()
    assert str(caught.value).startswith("GET http://h/?k=***: the body of status 200 (")
    assert words in str(caught.value)
    assert (caught.value.method, caught.value.url, caught.value.retryable) == ("GET", "http://h/?k=***", False)


def test_json_and_text_can_be_asked_for() -> None:
    """Whatever the type says."""
    assert answer(b"12", "text/plain").json() == 12
    assert answer(b"12", "application/json").text() == "12"
    with pytest.raises(BodyError, match="is not JSON: Expecting value"):
        answer(b"x", "text/plain").json()


def test_a_body_is_read_once() -> None:
    """For the rules and for the output: both get the same value."""
    response = answer(b'{"a": [1]}', "application/json")
    assert response.data() is response.data()
    assert response.plain()["body"] is response.data()


def test_headers_are_found_in_any_case_and_are_plain_data() -> None:
    """Equal names are joined; absent ones are absent."""
    headers = Headers([("Link", "<a>"), ("LINK", "<b>"), ("X-A", "1")])
    assert (headers["link"], headers["Link"], headers.get("LINK")) == ("<a>, <b>",) * 3
    assert ("x-A" in headers, "x-b" in headers) == (True, False)
    assert (headers.get("x-b"), headers.get("x-b", "d")) == (None, "d")
    assert json.loads(json.dumps(headers)) == {"link": "<a>, <b>", "x-a": "1"}
    with pytest.raises(KeyError):
        headers["x-b"]


@pytest.mark.parametrize(
    "thing",
    [
        Request("GET", "http://h/s3cr3t?k=s3cr3t", (("k", "s3cr3t"),), {"A": "s3cr3t"}, b"s3cr3t"),
        answer(b"s3cr3t"),
        BearerAuth("s3cr3t"),
        BasicAuth("ann", "s3cr3t"),
    ],
)
def test_nothing_shows_a_secret_by_itself(thing: object) -> None:
    """What a traceback or a debugger prints of it has no secret."""
    assert "s3cr3t" not in repr(thing)
