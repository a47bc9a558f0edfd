"""Streams of events and of lines, read as data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_gimme.errors import BodyError
from airflow_provider_gimme.http import Headers, Response
from airflow_provider_gimme.http.events import ends_events, read_events, read_lines


def answer(body: str, content_type: str) -> Response:
    return Response(
        200, Headers({"Content-Type": content_type}), body.encode(), "http://h/", timedelta(0), "GET http://h/"
    )


def data_of(text: str) -> list[Any]:
    return [event["data"] for event in read_events(text)]


STREAMS = [
    ("data: a\n\ndata: b\n\n", ["a", "b"]),
    ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", ["a", "b", "c"]),
    ("\ufeffdata: a\n\n", ["a"]),
    ("data: a\ndata: b\n\n", ["a\nb"]),
    ("data:a\n\ndata:  a\n\n", ["a", " a"]),
    (": keep-alive\n\n:\n\ndata: a\n: more\n\n", ["a"]),
    ("data\n\ndata\ndata\n\ndata:", ["", "\n"]),
    ("event: x\n\ndata: a\n\n", ["a"]),
    ("retry: 10\nunknown: x\ndata: a\n\n", ["a"]),
    ("data: whole\n\ndata: cut", ["whole"]),
    ("data: whole\n\ndata: cut\n", ["whole"]),
    ('data: {"a": [1]}\n\ndata: 12\n\ndata: true\n\ndata: "t"\n\ndata: null\n\n', [{"a": [1]}, 12, True, "t", None]),
    ('data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
    ("data: NaN\n\ndata: {not json}\n\n", ["NaN", "{not json}"]),
    ("data: a\n\ndata: [DONE]\n\ndata: b\n\n", ["a"]),
    ("data: say [DONE]\n\n", ["say [DONE]"]),
    ("", []),
]


@pytest.mark.parametrize("text,data", STREAMS, ids=[repr(text)[:30] for text, _ in STREAMS])
def test_events_are_read_as_the_standard_says(text: str, data: list[object]) -> None:
    """Lines of any kind, comments, joined data; JSON as JSON; a lone `[DONE]` ends it and is left out."""
    assert data_of(text) == data


def test_an_event_has_a_type_and_the_last_id() -> None:
    """The type is that of the event alone; an id holds on until another one, and may not hold a null."""
    text = "event: delta\nid: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\nid\ndata: d\n\n"
    assert read_events(text) == [
        {"event": "delta", "data": "a", "id": "7"},
        {"event": "message", "data": "b", "id": "7"},
        {"event": "message", "data": "c", "id": "7"},
        {"event": "message", "data": "d", "id": ""},
    ]


@pytest.mark.parametrize(
    "tail,ends",
    [
        (b"data: [DONE]\n\n", True),
        (b"x\n\ndata:[DONE]\r\n\r\n", True),
        (b"data: [DONE]\n", False),
        (b"data: say [DONE]\n\n", False),
        (b'data: {"data: [DONE]"}\n\n', False),
        (b"data: [DONE]\n\ndata: x", False),
    ],
)
def test_the_end_of_a_stream_is_seen(tail: bytes, ends: bool) -> None:  # noqa: FBT001
    """Servers keep a connection open after it: nobody has to wait for them to close."""
    assert ends_events(tail) is ends


def test_lines_are_values() -> None:
    """One a line, blank ones left out; records of `json-seq` too."""
    assert read_lines('{"a": 1}\r\n\n[2]\n"x"') == [{"a": 1}, [2], "x"]
    assert read_lines('\x1e{"a":\n1}\n\x1e2\n') == [{"a": 1}, 2]
    assert read_lines("\n") == []


@pytest.mark.parametrize(
    "text,words",
    [
        ('{"a": 1}\n{"secret": \n', "line 2 is not JSON: Expecting value"),
        ("1\n\nNaN\n", "line 3 is not JSON: NaN is not a JSON value"),
        ("[" * 100_000, "line 1 is not JSON: it is nested too deeply"),
    ],
)
def test_a_line_that_is_not_json_is_named(text: str, words: str) -> None:
    """By its number, and not by what stands in it."""
    with pytest.raises(BodyError, match=r"GET http://h/: the body of status 200 .* line by line and is not") as caught:
        answer(text, "application/x-ndjson").data()
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_answer_gives_what_its_type_says() -> None:
    """A list, also where nothing came; binary under the name of a stream is an error."""
    assert answer("data: 1\n\n", "text/event-stream; charset=utf-8").data() == [
        {"event": "message", "data": 1, "id": ""}
    ]
    assert answer("", "text/event-stream").data() == []
    assert answer("1\n2\n", "application/jsonl").data() == [1, 2]
    assert answer("", "application/x-ndjson").data() == []
    with pytest.raises(BodyError, match="is binary"):
        answer("a\0", "application/x-ndjson").data()
