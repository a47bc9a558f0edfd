"""Events as they come by HTTP: CloudEvents 1.0, structured and binary, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_gimme.api.cloudevents import read_event
from airflow_provider_gimme.errors import EventError

GOOD = {"specversion": "1.0", "id": "1", "source": "/studio", "type": "onCreate"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
JSON = {"content-type": "application/json"}


def structured(**more: Any) -> bytes:
    return json.dumps({**GOOD, **more}).encode()


@pytest.mark.parametrize(
    "headers,body,data",
    [
        (STRUCTURED, structured(data={"n": 1}, subject="s", myext="x"), {"n": 1}),
        (STRUCTURED, structured(data_base64="eyJuIjogMX0=", datacontenttype="application/json"), {"n": 1}),
        (STRUCTURED, structured(data_base64="aGk=", datacontenttype="text/plain"), "hi"),
        (JSON, json.dumps({"id": "1", "source": "/studio", "type": "onCreate", "data": [1]}).encode(), [1]),
        ({**JSON, **{f"ce-{name}": value for name, value in GOOD.items()}}, b'{"n": 1}', {"n": 1}),
        ({"content-type": "text/plain", **{f"ce-{name}": value for name, value in GOOD.items()}}, b"hi", "hi"),
        ({f"ce-{name}": value for name, value in GOOD.items()}, b"", None),
    ],
)
def test_an_event_is_read_in_both_modes(headers: dict[str, str], body: bytes, data: Any) -> None:
    """The body is the event, or its data where the attributes are headers."""
    event = read_event(headers, body)
    assert (event.id, event.source, event.type, event.data) == ("1", "/studio", "onCreate", data)
    if "subject" in str(body):
        assert (event.as_data()["subject"], event.as_data()["myext"]) == ("s", "x")


@pytest.mark.parametrize(
    "headers,body,status,message",
    [
        (STRUCTURED, b'{"type": 5}', 400, "'id' is missing; 'source' is missing; 'type' is no text; 'specversion' is"),
        (JSON, structured(specversion="0.3"), 400, "'specversion' is '0.3'; 1.0 is understood"),
        (JSON, structured(id="x" * 1001), 400, "'id' is longer than 1000 characters"),
        (JSON, b"[1]", 400, "an event is a JSON object"),
        (JSON, b'{"id": }', 400, "the event is not JSON: Expecting value: line 1 column 8"),
        (JSON, b'{"id": NaN}', 400, "NaN is no number of JSON"),
        (JSON, b"[" * 100_000, 400, "nested too deeply"),
        (JSON, b"\xff", 400, "not UTF-8"),
        (JSON, structured(data=1, data_base64="eA=="), 400, "exclude each other"),
        (JSON, structured(data_base64="?"), 400, "not Base64"),
        ({"content-type": "text/xml"}, b"<a/>", 415, "the content type 'text/xml' is no event"),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", 415, "Send each by itself"),
        ({"ce-id": "1", "content-type": "application/json"}, b"{", 400, "not JSON"),
    ],
)
def test_what_is_no_event_is_told(headers: dict[str, str], body: bytes, status: int, message: str) -> None:
    """All that is missing is told at once, with the status of the answer."""
    with pytest.raises(EventError, match=message.replace("[", r"\[")) as caught:
        read_event(headers, body)
    assert caught.value.status == status
