"""Filters over text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from jinja2 import filters as jinja
from jinja2 import pass_environment
from markupsafe import escape as escape_markup

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.arithmetic import format_bounded
from airflow_provider_gimme.expressions.data import JsonText, to_text
from airflow_provider_gimme.expressions.filters.checks import defined, need, number_up_to
from airflow_provider_gimme.expressions.limits import made
from airflow_provider_gimme.expressions.members import replace_bounded

__all__ = ["FILTERS"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_MOST_WIDTH = 10_000


def _over_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a filter of Jinja's work on text as the language writes it."""

    def applied(value: object, *arguments: Any, **named: Any) -> Any:
        result = function(to_text(defined(value)), *arguments, **named)
        if isinstance(result, str):
            made(len(result))
        return result

    return applied


def _replace(value: object, old: object, new: object, count: int | None = None) -> str:
    """Replace ``old`` by ``new``, everywhere or the first ``count`` times."""
    text, before, after = (to_text(defined(each)) for each in (value, old, new))
    return replace_bounded(text, before, after, -1 if count is None else count)


def _center(value: object, width: int = 80) -> str:
    """Put a text into the middle of ``width`` characters."""
    return to_text(defined(value)).center(number_up_to("center", width, _MOST_WIDTH))


def _indent(value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002 - Jinja's signature
    """Put ``width`` spaces, or that text, before each line but the first and blank ones."""
    text = to_text(defined(value))
    space = width if isinstance(width, str) else " " * number_up_to("indent", width, 200)
    made(len(text) + len(space) * (text.count("\n") + 1))
    return str(jinja.do_indent(text, space, first, blank))


def _format(value: object, *arguments: Any, **named: Any) -> str:
    """Fill ``%s`` and the like with the arguments."""
    if arguments and named:
        raise ExpressionError("the filter 'format' takes arguments by place or by name, not both")
    return format_bounded(to_text(defined(value)), named or tuple(defined(argument) for argument in arguments))


def _title(value: object) -> str:
    """Begin every word with a capital."""
    return jinja.do_title(to_text(defined(value)))


def _url(value: object) -> str:
    """Percent-encode a text (RFC 3986), ``/`` too: for one segment of a path or one value of a query."""
    return quote(to_text(defined(value)), safe="")


def _xml(value: object) -> str:
    """Escape a text for XML 1.0, in elements and in attributes.

    :raises ExpressionError: where it has a character that XML cannot hold.
    """
    text = to_text(defined(value))
    bad = _NOT_XML.search(text)
    if bad:
        raise ExpressionError(f"the filter 'xml' got the character U+{ord(bad.group()):04X}, which XML 1.0 cannot hold")
    made(6 * len(text) if len(text) > 1_000_000 else len(text))
    return "".join(_XML_ESCAPES.get(char, char) for char in text)


def _escape(value: object) -> str:
    """Escape a text for HTML."""
    return str(escape_markup(to_text(defined(value))))


def _safe(value: object) -> object:
    """Change nothing: for templates written for Jinja's pages."""
    return defined(value)


def _string(value: object) -> str:
    """Return any value as text."""
    return value if isinstance(value, JsonText) else to_text(defined(value))


def _truncate(env: Any, value: object, *arguments: Any, **named: Any) -> str:
    """Cut a text to at most ``length`` (255) characters, between words, as Jinja's filter does."""
    return str(jinja.do_truncate(env, to_text(defined(value)), *arguments, **named))


def _wordwrap(env: Any, value: object, width: int = 79, *arguments: Any, **named: Any) -> str:
    """Break a text into lines of at most ``width`` characters."""
    columns = number_up_to("wordwrap", width, _MOST_WIDTH)
    return str(jinja.do_wordwrap(env, to_text(defined(value)), columns, *arguments, **named))


def _split(value: object, separator: str | None = None) -> list[str]:
    """Split a text at a separator, else at white space."""
    return to_text(defined(value)).split(separator)


def _join(env: Any, values: Iterable[object], separator: str = "", attribute: str | int | None = None) -> str:
    """Join values, or a member of each, with a separator between them."""
    from airflow_provider_gimme.expressions.members import join_bounded

    need("join", values, Iterable, what="a list")
    if attribute is not None:
        values = map(jinja.make_attrgetter(env, attribute), values)
    return join_bounded(to_text(defined(separator)), (defined(value) for value in values))


for _function in (_truncate, _wordwrap, _join):
    pass_environment(_function)

FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": _over_text(str.capitalize),
    "center": _center,
    "e": _escape,
    "escape": _escape,
    "filesizeformat": jinja.do_filesizeformat,
    "format": _format,
    "indent": _indent,
    "join": _join,
    "lower": _over_text(str.lower),
    "replace": _replace,
    "safe": _safe,
    "split": _split,
    "string": _string,
    "striptags": _over_text(jinja.do_striptags),
    "title": _title,
    "trim": _over_text(jinja.do_trim),
    "truncate": _truncate,
    "upper": _over_text(str.upper),
    "url": _url,
    "urlencode": jinja.do_urlencode,
    "wordcount": _over_text(jinja.do_wordcount),
    "wordwrap": _wordwrap,
    "xml": _xml,
}
