"""Members of values, data first: ``x.items`` is the item of that name, never a method of Python's.

Text keeps a few methods that only read it or make bounded text (``x.upper()``, ``x.split(',')``), a date its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import kind_of, to_text
from airflow_provider_gimme.expressions.limits import made
from airflow_provider_gimme.expressions.quick import MISSING
from airflow_provider_gimme.expressions.saved import SavedItems
from airflow_provider_gimme.expressions.scope import GroupResult, StepResult

__all__ = ["join_bounded", "member", "missing_message", "replace_bounded"]

_TEXT_METHODS = frozenset(
    {
        "capitalize",
        "casefold",
        "count",
        "endswith",
        "find",
        "isalnum",
        "isalpha",
        "isdecimal",
        "isdigit",
        "islower",
        "isnumeric",
        "isspace",
        "istitle",
        "isupper",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "rfind",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
    }
)
_DATE_PARTS = frozenset({"day", "hour", "microsecond", "minute", "month", "second", "year"})
_DATE_METHODS = frozenset({"date", "isoformat", "isoweekday", "timestamp", "weekday"})
_FILTER_HINTS = {
    "items": "Write `| items` for its names and values.",
    "keys": "Write `| list` for its names.",
    "values": "Write `| items` for its names and values.",
    "get": "Write `.name | default(…)`.",
    "format": "Write `| format(…)`, or `~` between texts.",
    "encode": "Write `| url`, `| xml` or `| tojson`.",
}


def member(value: object, key: object) -> Any:
    """Return the member ``key`` of a value, or ``MISSING``."""
    if isinstance(value, (dict, Mapping)):
        return _item(value, key)
    if isinstance(key, int) and isinstance(value, list | tuple | str | GroupResult | SavedItems | range):
        return value[key] if -len(value) <= key < len(value) else MISSING
    if isinstance(value, GroupResult):
        return value.members[key].output if isinstance(key, str) and key in value.members else MISSING
    if isinstance(value, SavedItems):
        return _item(value.reference, key)
    if isinstance(key, str):
        if isinstance(value, str):
            return _text_method(value, key)
        if isinstance(value, date) and key in _DATE_PARTS | _DATE_METHODS:
            return getattr(value, key, MISSING)
    return MISSING


def _item(value: Mapping[Any, Any], key: object) -> Any:
    try:
        return value.get(key, MISSING)
    except TypeError:
        raise ExpressionError(f"{kind_of(key)} cannot be the name of a member") from None


def _text_method(text: str, name: str) -> Any:
    if name in _TEXT_METHODS:
        return getattr(str(text), name)
    bounded: dict[str, Callable[..., str]] = {"replace": replace_bounded, "join": join_bounded}
    if name not in bounded:
        return MISSING

    def method(*arguments: Any) -> str:
        return bounded[name](text, *arguments)

    return method


def replace_bounded(text: str, old: str, new: str, count: int = -1) -> str:
    """Replace ``old`` by ``new`` in a text, all of them or the first ``count``.

    :raises ExpressionError: where the result would be too large.
    """
    times = text.count(old)
    times = min(times, count) if count >= 0 else times
    made(max(0, len(text) + times * (len(new) - len(old))))
    return text.replace(old, new, count)


def join_bounded(separator: str, values: Iterable[object]) -> str:
    """Join values with ``separator`` between them; what is not text is written as JSON writes it.

    :raises ExpressionError: where the result would be too large.
    """
    texts = [to_text(value) for value in values]
    made(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def missing_message(value: object, key: object) -> str:
    """Say that a value has no such member, which are near, and what to write instead."""
    from airflow_provider_gimme.config.suggestions import did_you_mean

    if value is None:
        return f"null has no member {key!r}. A skipped or failed step is null: write `| default(…)`."
    if isinstance(value, GroupResult | StepResult):
        names: list[str] = list(value.members) if isinstance(value, GroupResult) else []
        return f"the group has no {_place(key)}.{did_you_mean(str(key), names)}"
    if isinstance(value, Mapping):
        names = [str(name) for name in value]
        near = did_you_mean(str(key), names)
        hint = "" if near else f" {_FILTER_HINTS[key]}" if key in _FILTER_HINTS else _listed(names)
        return f"there is no member {key!r}.{near}{hint}"
    hint = f" {_FILTER_HINTS[key]}" if isinstance(key, str) and key in _FILTER_HINTS else ""
    return f"{kind_of(value)} has no {_place(key)}.{hint}"


def _place(key: object) -> str:
    return f"item {key}" if isinstance(key, int) else f"member {key!r}"


def _listed(names: list[str]) -> str:
    if not names:
        return " There are none."
    more = ", …" if len(names) > 8 else ""
    return f" There are: {', '.join(names[:8])}{more}."
