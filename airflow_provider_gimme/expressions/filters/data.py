"""Filters over data: JSON, JSONPath, fields of many records, digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import pass_environment

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import JsonText, to_json, to_json_text, to_text
from airflow_provider_gimme.expressions.filters.checks import defined, need, number_up_to
from airflow_provider_gimme.expressions.limits import tick
from airflow_provider_gimme.expressions.members import member
from airflow_provider_gimme.expressions.paths import ABSENT, Path
from airflow_provider_gimme.expressions.quick import MISSING

__all__ = ["FILTERS"]

_ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


def _tojson(value: object, indent: int | None = None) -> JsonText:
    """Write a value as JSON; in a ``payload_template`` it is put in as it is."""
    width = None if indent is None else number_up_to("tojson", indent, 100)
    return JsonText(to_json_text(defined(value), indent=width))


def _from_json(value: object) -> Any:
    """Read a text as JSON.

    :raises ExpressionError: where it is not JSON; with the place, never with the text.
    """
    text = need("from_json", value, str)
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ExpressionError(
            f"the filter 'from_json' got text that is not JSON: {error.msg} at line {error.lineno},"
            f" column {error.colno}"
        ) from None


def _refuse(constant: str) -> Any:
    raise ExpressionError(f"the filter 'from_json' got {constant}, which is not JSON")


def _jsonpath(environment: Any, value: object, path: object) -> Any:
    """Return what a JSONPath (RFC 9535) selects in a value: one value, or a list where it can select many."""
    query = Path.compile(need("jsonpath", path, str), over="body")
    found = query.find_in(to_json(defined(value)))
    return environment.undefined(hint=f"'{query.text}' selects nothing") if found is ABSENT else found


def _collect(values: object, field: object) -> list[Any]:
    """Return a field of every record of a list; dots go deeper; lists found are put together into one.

    Records without the field, and nulls, are left out: ``map(attribute=…)`` is the strict one.
    """
    names = need("collect", field, str).split(".")
    records = [values] if isinstance(values, Mapping) else need("collect", values, Iterable, what="a list of objects")
    if isinstance(records, str):
        need("collect", records, list, what="a list of objects")
    found: list[Any] = []
    for record in records:
        tick()
        value = _field(record, names)
        if isinstance(value, list | tuple):
            found.extend(value)
        elif value is not None:
            found.append(value)
    return found


def _field(record: object, names: list[str]) -> Any:
    value: Any = record
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = member(value, name)
        if value is MISSING:
            return None
    return value


def _sha256(value: object) -> str:
    """Return the SHA-256 of a text's UTF-8, in hex."""
    return hashlib.sha256(to_text(defined(value)).encode()).hexdigest()


def _hmac(value: object, key: object, algorithm: str = "sha256", encoding: str = "hex") -> str:
    """Return the HMAC (RFC 2104) of a text's UTF-8, in ``hex`` or ``base64``."""
    if algorithm not in _ALGORITHMS:
        raise ExpressionError(f"the filter 'hmac' knows {', '.join(_ALGORITHMS)} (got {to_text(algorithm)!r})")
    if encoding not in {"hex", "base64"}:
        raise ExpressionError(f"the filter 'hmac' writes hex or base64 (got {to_text(encoding)!r})")
    secret = need("hmac", key, str, what="a key that is text").encode()
    digest = hmac.new(secret, to_text(defined(value)).encode(), algorithm)
    return digest.hexdigest() if encoding == "hex" else base64.b64encode(digest.digest()).decode()


FILTERS: dict[str, Callable[..., Any]] = {
    "collect": _collect,
    "from_json": _from_json,
    "hmac": _hmac,
    "jsonpath": pass_environment(_jsonpath),
    "sha256": _sha256,
    "tojson": _tojson,
}
