"""Structures whose strings are compiled: objects and lists of them, to any depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.compiled import Part, constant_part, told
from airflow_provider_gimme.expressions.limits import Evaluation
from airflow_provider_gimme.expressions.quick import Quick, quick_list, quick_members

__all__ = ["structure_part"]

_MARKS = ("{{", "{%", "${", "{$.", "{$[")


def structure_part(structure: Any, make: Callable[[str], Part[Any]], place: str = "") -> Part[Any]:
    """Compile every string of a structure with ``make``; names of members are constants.

    :raises ExpressionError: naming the place within the structure.
    """
    if isinstance(structure, str):
        return _placed(make, structure, place)
    if isinstance(structure, Mapping):
        return _object(structure, make, place)
    if isinstance(structure, list | tuple):
        return _list([structure_part(item, make, f"{place}[{index}]") for index, item in enumerate(structure)])
    return constant_part(structure)


def _placed(make: Callable[[str], Part[Any]], text: str, place: str) -> Part[Any]:
    try:
        part = make(text)
    except ExpressionError as error:
        raise _at(place, error) from None
    if part.constant or not place:
        return part

    def run(evaluation: Evaluation) -> Any:
        try:
            return part.run(evaluation)
        except Exception as error:
            problem = told(error)
            raise (_at(place, problem) if isinstance(problem, ExpressionError) else problem) from error

    return Part(run, part.references, part.secrets, quick=part.quick)


def _at(place: str, error: ExpressionError) -> ExpressionError:
    return ExpressionError(f"'{place}': {error.message}" if place else error.message, line=error.line)


def _object(structure: Mapping[Any, Any], make: Callable[[str], Part[Any]], place: str) -> Part[Any]:
    parts: dict[str, Part[Any]] = {}
    for key, item in structure.items():
        name = str(key)
        if any(mark in name for mark in _MARKS):
            raise ExpressionError(f"the name of a member is not a template (got '{name}')")
        parts[name] = structure_part(item, make, f"{place}.{name}" if place else name)
    return _together(
        lambda evaluation: {name: part.run(evaluation) for name, part in parts.items()},
        list(parts.values()),
        quick_members({name: part.quick for name, part in parts.items()}),
    )


def _list(parts: list[Part[Any]]) -> Part[Any]:
    quick = quick_list([part.quick for part in parts])
    return _together(lambda evaluation: [part.run(evaluation) for part in parts], parts, quick)


def _together(run: Callable[[Evaluation], Any], parts: list[Part[Any]], quick: Quick | None) -> Part[Any]:
    return Part(
        run,
        frozenset().union(*(part.references for part in parts)),
        frozenset().union(*(part.secrets for part in parts)),
        all(part.constant for part in parts),
        quick,
    )
