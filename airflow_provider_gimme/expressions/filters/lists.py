"""Filters over lists, objects and numbers: Jinja's, bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import filters as jinja
from jinja2 import pass_environment

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.arithmetic import operate
from airflow_provider_gimme.expressions.filters.checks import defined, need, number_up_to
from airflow_provider_gimme.expressions.limits import tick

__all__ = ["FILTERS"]

_MOST = 100_000


def _each(values: object, name: str) -> Iterator[Any]:
    """Yield the values, with a look at the clock for each."""
    for value in need(name, values, Iterable, what="a list"):
        tick()
        yield value


def _length(value: object) -> int:
    """Count the items of a list, the members of an object, the characters of a text."""
    if isinstance(defined(value), Iterator):
        return sum(1 for _ in _each(value, "length"))
    if not hasattr(value, "__len__"):
        raise ExpressionError("the filter 'length' needs a list, an object or text")
    return len(value)


def _attr(environment: Any, value: object, name: str) -> Any:
    """Return the member of that name."""
    return environment.getitem(value, name)


def _sum(environment: Any, values: object, attribute: str | int | None = None, start: Any = 0) -> Any:
    """Add up values, or a member of each."""
    get = jinja.make_attrgetter(environment, attribute) if attribute is not None else None
    total = start
    for value in _each(values, "sum"):
        total = operate("+", total, defined(get(value) if get else value))
    return total


def _batch(values: object, linecount: int, fill_with: Any = None) -> Iterator[list[Any]]:
    """Yield lists of ``linecount`` values."""
    count = number_up_to("batch", linecount, _MOST)
    if count < 1:
        raise ExpressionError("the filter 'batch' takes a number from 1")
    return jinja.do_batch(list(_each(values, "batch")), count, fill_with)


def _slice(values: object, slices: int, fill_with: Any = None) -> Iterator[list[Any]]:
    """Yield ``slices`` lists with all the values."""
    count = number_up_to("slice", slices, _MOST)
    if count < 1:
        raise ExpressionError("the filter 'slice' takes a number from 1")
    return jinja.sync_do_slice(list(_each(values, "slice")), count, fill_with)


def _round(value: object, precision: int = 0, method: Any = "common") -> float:
    """Round a number to ``precision`` decimals."""
    return jinja.do_round(
        need("round", value, int, float, what="a number"), number_up_to("round", precision, 100), method
    )


def _list(values: object) -> list[Any]:
    """Make a list: of an iterable's items, an object's names, a text's characters."""
    return list(_each(values, "list"))


def _first(environment: Any, values: object) -> Any:
    """Return the first item."""
    for value in _each(values, "first"):
        return value
    return environment.undefined(hint="there is no first item: the list is empty")


def _last(environment: Any, values: object) -> Any:
    """Return the last item."""
    last: Any = environment.undefined(hint="there is no last item: the list is empty")
    for last in _each(values, "last"):  # noqa: B007 - the last one is returned
        pass
    return last


def _items(value: object) -> list[tuple[Any, Any]]:
    """Return the names and values of an object."""
    return list(need("items", value, Mapping, what="an object").items())


def _reverse(value: object) -> Any:
    """Turn a list or a text around."""
    return value[::-1] if isinstance(value, str) else list(_each(value, "reverse"))[::-1]


for _function in (_attr, _sum, _first, _last):
    pass_environment(_function)

FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "attr": _attr,
    "batch": _batch,
    "count": _length,
    "d": jinja.do_default,
    "default": jinja.do_default,
    "dictsort": jinja.do_dictsort,
    "first": _first,
    "float": jinja.do_float,
    "groupby": jinja.sync_do_groupby,
    "int": jinja.do_int,
    "items": _items,
    "last": _last,
    "length": _length,
    "list": _list,
    "map": jinja.sync_do_map,
    "max": jinja.do_max,
    "min": jinja.do_min,
    "reject": jinja.sync_do_reject,
    "rejectattr": jinja.sync_do_rejectattr,
    "reverse": _reverse,
    "round": _round,
    "select": jinja.sync_do_select,
    "selectattr": jinja.sync_do_selectattr,
    "slice": _slice,
    "sort": jinja.do_sort,
    "sum": _sum,
    "unique": jinja.do_unique,
}
