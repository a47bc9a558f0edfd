"""From a document to the model of a workflow, or to all that the model finds wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from airflow_provider_gimme.config import Service, Workflow
from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.monitoring import Monitoring
from airflow_provider_gimme.config.step import Step
from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE, step_config
from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, plain
from airflow_provider_gimme.loading.report import Report, child
from airflow_provider_gimme.loading.shape import WORKFLOW, Shape, known_keys, step_keys
from airflow_provider_gimme.loading.wording import (
    WANTED,
    describe,
    key_of_others,
    key_of_place,
    meant_key,
    not_wanted,
    unknown_key,
)
from airflow_provider_gimme.steps import step_types

__all__ = ["validate", "validate_as"]

_ConfigT = TypeVar("_ConfigT", bound=Config)


@dataclass(frozen=True)
class _Place:
    """Where a document has what an error is about."""

    node: Node
    shape: Shape
    entry: Entry | None
    depth: int


def validate(root: Mapping, report: Report) -> Workflow | None:
    """Return the workflow that a document is, or None; all problems go into ``report``."""
    return validate_as(Workflow, root, report, WORKFLOW, "a workflow")


def validate_as(
    model: type[_ConfigT], root: Mapping, report: Report, shape: Shape | None = None, noun: str = "this file"
) -> _ConfigT | None:
    """Return a document as a model, or None; all problems go into ``report``, where ``noun`` is what it is to be."""
    shape = shape or Shape(models=(model,))
    try:
        return model.model_validate(plain(root))
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
    places: dict[int, tuple[_Place, list[Any]]] = {}
    for error in errors:
        place = _locate(root, error["loc"], shape)
        if error["type"] == "extra_forbidden":
            _report_unknown(root, error["loc"], report, shape, noun)
        elif error["type"] == "missing":
            report.add(place.node, f"{_missing(place, str(error['loc'][-1]))} is missing. Write it.")
        elif error["loc"][-1:] == ("[key]",) and place.entry is not None:
            report.add(place.entry, describe(error, place.node).replace(".", f" (got '{error['loc'][-2]}').", 1))
        else:
            places.setdefault(id(place.node), (place, []))[1].append(error)
    inside = {id(parent) for error in errors for parent in _parents(root, error["loc"], shape)}
    for place, found in places.values():
        _report(place, found, report, only_inside=id(place.node) in inside)
    return None


def _report(place: _Place, errors: list[Any], report: Report, *, only_inside: bool) -> None:
    """Report what is wrong with one value; several errors are the choices of a union, of which the best is told."""
    other = [error for error in errors if error["type"] not in WANTED]
    if only_inside and len(errors) == 1 and errors[0]["type"] in {*WANTED, "literal_error"}:
        return
    if not other:
        wanted = list(dict.fromkeys(WANTED[error["type"]] for error in errors))
        report.add(place.node, not_wanted(place.node, wanted, keys=place.shape.keys, types=place.shape.types))
    for error in other:
        report.add(_point(place, error), describe(error, place.node, place.shape.types))


def _missing(place: _Place, key: str) -> str:
    """Name the key that is missing; in a map of no kind yet, those of which one would make it of a kind."""
    undecided = isinstance(place.node, Mapping) and place.shape.is_union and place.shape.model(place.node) is None
    return " or ".join(f"'{each}'" for each in (sorted(place.shape.required) if undecided else [key]))


def _point(place: _Place, error: Any) -> Node:
    kind = place.node.get("type") if isinstance(place.node, Mapping) else None
    return kind if error["type"] == "union_tag_invalid" and kind is not None else place.node


def _report_unknown(root: Mapping, location: tuple[str | int, ...], report: Report, shape: Shape, noun: str) -> None:
    place = _locate(root, location[:-1], shape)
    key = str(location[-1])
    entry = place.node.entries.get(key) if isinstance(place.node, Mapping) else None
    model = place.shape.model(place.node) if isinstance(place.node, Mapping) else None
    if entry is None:
        return
    known = known_keys(model) if model is not None else place.shape.keys
    kind = place.node.text("type") if isinstance(place.node, Mapping) else None
    where = f"a step of type {kind or DEFAULT_STEP_TYPE}" if model and issubclass(model, Step) else "this map"
    if not location[:-1]:
        where = noun
    elsewhere = _types_with(key) if where.startswith("a step") else []
    belongs = None if meant_key(key, known) else _belongs(key, model, place.node)
    if elsewhere:
        report.add(entry, key_of_others(key, where, elsewhere))
    else:
        report.add(entry, unknown_key(key, known, where) if belongs is None else key_of_place(key, belongs))


def _belongs(key: str, model: type[Config] | None, node: Node) -> str | None:
    """Say where a key belongs that stands in the wrong map: in another one, or as a value; None where nobody knows."""
    if model is Workflow:
        if told := meant_key(key, known_keys(Monitoring)):
            return f"write '{told}' under 'monitoring'"
        return f"'{key}' is a step's: write it there, or under 'defaults' for all steps" if key in step_keys() else None
    if model is None or not issubclass(model, Step):
        return None
    if own := meant_key(key, known_keys(Service)):
        return f"write '{own}' in one of 'services', and name that as the step's 'service'"
    if key in known_keys(Workflow):
        return f"'{key}' is the workflow's: write it beside 'steps'"
    unnamed = (
        isinstance(node, Mapping) and isinstance(node.get(key), Mapping) and not {"id", "name"} & node.entries.keys()
    )
    return f"write '- name: {key}' with its keys beside it" if unnamed else None


def _types_with(key: str) -> list[str]:
    """Return the types of step that know a key."""
    return [kind for kind in step_types() if key in known_keys(step_config(kind))]


def _locate(root: Node, location: tuple[str | int, ...], shape: Shape) -> _Place:
    """Walk to where an error is; what pydantic puts between (the names of a union's choices) is left out."""
    place, in_union = _Place(root, shape, None, 0), False
    for part in location:
        in_union = not in_union and place.shape.is_union
        if in_union:
            continue
        below = child(place.node, part)
        if below is not None:
            entry = place.node.entries.get(str(part)) if isinstance(place.node, Mapping) else None
            place = _Place(below, place.shape.child(place.node, part), entry, place.depth + 1)
    return place


def _parents(root: Node, location: tuple[str | int, ...], shape: Shape) -> list[Node]:
    nodes = [_locate(root, location[:count], shape).node for count in range(1, len(location))]
    last = _locate(root, location, shape).node
    return [node for node in nodes if node is not last]
