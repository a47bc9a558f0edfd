"""Read an event from a request: CloudEvents 1.0 over HTTP, structured or binary."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from airflow_provider_gimme.errors import EventError
from airflow_provider_gimme.plan.events import Event

__all__ = ["MAX_EVENT_BYTES", "read_event"]

MAX_EVENT_BYTES = 1_000_000
"""The largest event."""

_LONGEST_ATTRIBUTE = 1_000
_REQUIRED = ("id", "source", "type")
_STRUCTURED = "application/cloudevents+json"
_ATTRIBUTE = "ce-"


def read_event(headers: Mapping[str, str], body: bytes) -> Event:
    """Return the event of a request; header names are in lower case.

    With ``ce-id``, ``ce-source``, … among the headers the body is the event's data (binary mode); else it is the event
    as JSON (structured mode), where ``specversion`` may be left out unless the content type is that of an event.

    :raises EventError: where there is none, naming all that is missing.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.startswith("application/cloudevents-batch"):
        raise EventError("several events in one request are not understood. Send each by itself.", 415)
    if any(name.startswith(_ATTRIBUTE) for name in headers):
        attributes = {
            name.removeprefix(_ATTRIBUTE): unquote(value)
            for name, value in headers.items()
            if name.startswith(_ATTRIBUTE)
        }
        return _event(attributes, _data(body, media_type), strict=True)
    if media_type not in {"", "application/json", _STRUCTURED}:
        raise EventError(
            f"the content type '{media_type[:100]}' is no event. Send application/cloudevents+json, or the attributes "
            "as headers ce-id, ce-source, ce-type and ce-specversion.",
            415,
        )
    written = _json(body)
    if not isinstance(written, dict):
        raise EventError("an event is a JSON object with 'id', 'source', 'type' and 'data'.")
    data = _unpacked(written) if "data_base64" in written else written.get("data")
    attributes = {name: value for name, value in written.items() if name not in {"data", "data_base64"}}
    return _event(attributes, data, strict=media_type == _STRUCTURED)


def _event(attributes: Mapping[str, Any], data: Any, *, strict: bool) -> Event:
    problems = [_fault(name, attributes.get(name)) for name in _REQUIRED]
    version = attributes.get("specversion")
    if version is None and strict:
        problems.append("'specversion' is missing: \"1.0\"")
    elif version not in {None, "1.0"}:
        problems.append(f"'specversion' is {str(version)[:20]!r}; 1.0 is understood")
    if found := [problem for problem in problems if problem]:
        raise EventError(f"this is no event of CloudEvents 1.0: {'; '.join(found)}.")
    return Event(str(attributes["id"]), str(attributes["source"]), str(attributes["type"]), data, dict(attributes))


def _fault(name: str, value: Any) -> str:
    if value is None:
        return f"'{name}' is missing"
    if not isinstance(value, str) or not value:
        return f"'{name}' is no text"
    return f"'{name}' is longer than {_LONGEST_ATTRIBUTE} characters" if len(value) > _LONGEST_ATTRIBUTE else ""


def _data(body: bytes, media_type: str) -> Any:
    if not body:
        return None
    if media_type in {"", "application/json"} or media_type.endswith("+json"):
        return _json(body)
    return _text(body)


def _unpacked(written: Mapping[str, Any]) -> Any:
    if "data" in written:
        raise EventError("'data' and 'data_base64' exclude each other. Send one.")
    try:
        body = base64.b64decode(str(written["data_base64"]), validate=True)
    except binascii.Error:
        raise EventError("'data_base64' is not Base64.") from None
    return _data(body, str(written.get("datacontenttype") or "").partition(";")[0].strip().lower())


def _json(body: bytes) -> Any:
    try:
        return json.loads(_text(body), parse_constant=_no_number)
    except RecursionError:
        raise EventError("the JSON of the event is nested too deeply.") from None
    except ValueError as error:
        raise EventError(f"the event is not JSON: {error}.") from None


def _no_number(written: str) -> Any:
    raise ValueError(f"{written} is no number of JSON")


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise EventError("the event is not UTF-8 text. Send it as JSON, or its data as 'data_base64'.") from None
