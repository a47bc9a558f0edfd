"""Percent-encoding of what goes into a path (RFC 3986), and the refusal of paths that climb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import kind_of, to_text
from airflow_provider_gimme.expressions.quick import MISSING, Quick

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions.scope import Scope

__all__ = ["check_path", "path_segment", "path_text", "quick_path", "quick_segment", "quoted", "whole_url"]

_SCHEMES = ("http://", "https://")


def path_segment(value: object) -> str:
    """Encode a value for one segment of a path, ``/`` too.

    :raises ExpressionError: where it is null, empty, a list or an object: the path would be another one.
    """
    text = _plain(value)
    if not text:
        raise ExpressionError("a value of the endpoint is empty, so the path would be another one")
    return quote(text, safe="")


def path_text(value: object) -> str:
    """Encode a value for a path, but for ``/``.

    :raises ExpressionError: where it is null, a list or an object.
    """
    return quoted(_plain(value))


def quoted(text: str) -> str:
    """Encode a text for a path, but for ``/``."""
    return text if text.isascii() and text.isalnum() else quote(text, safe="/")


def whole_url(value: object) -> str:
    """Return the whole endpoint that one value is: an absolute URL as it is, anything else encoded but for ``/``.

    :raises ExpressionError: where it is null, a list or an object, or a URL with spaces or control characters.
    """
    text = _plain(value)
    if not text.lower().startswith(_SCHEMES):
        return quote(text, safe="/")
    if any(char.isspace() or not char.isprintable() for char in text):
        raise ExpressionError("the endpoint is a URL with spaces or control characters in it")
    return text


def _plain(value: object) -> str:
    if value is None or not isinstance(value, str | int | float):
        raise ExpressionError(f"a value of the endpoint is {kind_of(value)}; it must be text, a number or a boolean")
    return to_text(value)


def check_path(endpoint: str) -> str:
    """Return an endpoint that does not climb.

    :raises ExpressionError: where a segment of its path is ``.`` or ``..``, in any encoding.
    """
    if not _may_climb(endpoint):
        return endpoint
    path = endpoint.partition("?")[0].partition("#")[0]
    for segment in unquote(path).replace("\\", "/").split("/"):
        if segment in {".", ".."}:
            raise ExpressionError(f"the endpoint has a segment '{segment}'. Write the path without it.")
    return endpoint


def _may_climb(endpoint: str) -> bool:
    return ".." in endpoint or "/." in endpoint or "%2" in endpoint or endpoint.startswith(".")


def quick_segment(quick: Quick) -> Quick:
    """Return what gives a value encoded for one segment of a path."""

    def segment(scope: Scope) -> Any:
        value = quick(scope)
        kind = type(value)
        if kind is int:
            return str(value)
        if kind is not str or not value:
            return MISSING
        return value if value.isascii() and value.isalnum() else quote(value, safe="")

    return segment


def quick_path(quicks: Sequence[Quick | None]) -> Quick | None:
    """Return what gives a path of its parts, None where one of them needs the slower way."""
    found = [quick for quick in quicks if quick is not None]
    if len(found) < len(quicks):
        return None

    def path(scope: Scope) -> Any:
        parts = [quick(scope) for quick in found]
        if any(part is MISSING for part in parts):
            return MISSING
        text = "".join(parts)
        return MISSING if _may_climb(text) else text

    return path
