"""The body of a call: what it is made of, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.http.multipart import Content, FileBody, Multipart
from airflow_provider_gimme.plan.files import OpenFile, file_of, is_file_value, multipart_of, sketch_file

if TYPE_CHECKING:
    from airflow_provider_gimme.config.base import Config
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.plan.context import Context, Kind

__all__ = [
    "BodyKey",
    "BodyPlan",
    "content_type_header",
    "encode_body",
    "is_json",
    "media_type",
    "pairs",
    "plan_body",
    "written_body",
]

BodyKey = Literal["payload", "payload_template", "input_map"]

_BODY_KEYS: tuple[BodyKey, ...] = ("payload", "payload_template", "input_map")

_MEDIA_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
    "binary": "application/octet-stream",
    "multipart": "multipart/form-data",
}
_NO_HEADERS: Mapping[str, str] = {}
_BINARY, _MULTIPART = "binary", frozenset({"multipart", "multipart/form-data"})
_STRUCTURED = frozenset({"json", "form"})
"""With these words a reference to a file is data like any other."""


@dataclass(frozen=True)
class BodyPlan:
    """A value made by an expression: the body of a call, or the output of a transform."""

    key: BodyKey
    """Under which key it is written."""
    value: Compiled[Any]

    def evaluate(self, scope: Scope) -> Any:
        """Return the value as plain data (JSON types), or text for a template that is not JSON."""
        return self.value.evaluate(scope)


def written_body(config: Config) -> tuple[BodyKey, Any] | None:
    """Return under which key a step writes its body, and what; None without one."""
    for key in _BODY_KEYS:
        if key in config.model_fields_set:
            return key, getattr(config, key)
    return None


def plan_body(
    context: Context, written: tuple[BodyKey, Any], *local_names: str, content_type: str = "json"
) -> BodyPlan:
    """Compile what :func:`written_body` has found; ``context`` stands at the step."""
    key, source = written
    kinds: dict[BodyKey, Kind] = {
        "payload": "value",
        "payload_template": "json_template" if is_json(content_type) else "template",
        "input_map": "mapping",
    }
    return BodyPlan(key, context.at(key).compile(kinds[key], source, *local_names))


def media_type(content_type: str) -> str:
    """Return the MIME type that ``json``, ``form``, ``text``, ``binary``, ``multipart`` or a MIME type stands for."""
    return _MEDIA_TYPES.get(content_type, content_type)


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Say whether a content type is JSON: ``json``, ``application/json``, ``application/problem+json`` and the like."""
    essence = media_type(content_type).partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


def content_type_header(body: Content | None, content_type: str) -> Mapping[str, str]:
    """Return what says of which type a body is; of a multipart body only its sender knows that."""
    if body is None or isinstance(body, Multipart):
        return _NO_HEADERS
    if type(body) is bytes:
        return _written_type(content_type)
    if isinstance(body, FileBody) and content_type == _BINARY:
        return {"Content-Type": body.media_type}
    return {"Content-Type": media_type(content_type)}


@lru_cache(maxsize=64)
def _written_type(content_type: str) -> Mapping[str, str]:
    return {"Content-Type": media_type(content_type)}


def encode_body(value: Any, content_type: str, open_file: OpenFile = sketch_file) -> Content:
    """Write a body as its content type demands; ``open_file`` gives the files that references stand for.

    :raises ExpressionError: where the value cannot be written so (a number that is not finite, a list as a form).
    """
    if content_type == "json":
        return _json(value)
    if content_type.lower() in _MULTIPART:
        return multipart_of(value, open_file)
    if content_type not in _STRUCTURED and is_file_value(value):
        return file_of(value, open_file)
    if content_type == _BINARY and not isinstance(value, str):
        raise ExpressionError(
            f"a binary body is a file that 'save_to' of a step has given, or text, not {type(value).__name__}"
        )
    return _encode(value, content_type)


@cache
def _write_json() -> Callable[[Any], bytes]:
    """Import what is only needed where a call is made: a check of files starts sooner without."""
    from airflow_provider_gimme.http.json_text import write_json

    return write_json


def _json(value: Any) -> bytes:
    try:
        return _write_json()(value)
    except ValueError:
        raise ExpressionError("the body holds a number that JSON does not know (NaN or Infinity)") from None


def _encode(value: Any, content_type: str) -> bytes:
    if is_json(content_type):
        return _json(value)
    if media_type(content_type).startswith(_MEDIA_TYPES["form"]) and not isinstance(value, str):
        if not isinstance(value, Mapping):
            raise ExpressionError(f"a form's body is a map of names to values, not {type(value).__name__}")
        return urlencode(pairs(value)).encode()
    if isinstance(value, str):
        return value.encode()
    return json.dumps(value, ensure_ascii=False).encode()


def pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and values for a query or a form: a list repeats its name, null is left out."""
    return tuple((name, _text(item)) for name, value in values.items() for item in _items(value) if item is not None)


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
