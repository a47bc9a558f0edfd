"""What the models say about a place of a document: which keys it knows and which of them exclude each other.

Read from the models, so that a key is written in one place only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.step import Step
from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE, step_config
from airflow_provider_gimme.config.workflow import Workflow
from airflow_provider_gimme.loading.nodes import Mapping, Node
from airflow_provider_gimme.steps import step_types

__all__ = ["ANYTHING", "STEP", "WORKFLOW", "Shape", "known_keys", "step_keys"]


@dataclass(frozen=True)
class Shape:
    """What may stand at a place: a map of one of ``models``, a map of ``values``, a list of ``items``."""

    models: tuple[type[Config], ...] = ()
    values: Shape | None = None
    items: Shape | None = None

    def model(self, node: Mapping) -> type[Config] | None:
        """Return the model a map is meant to be; None where it cannot be told."""
        if not self.is_union:
            return self.models[0] if self.models else None
        if self is STEP:
            kind = node.text("type") or DEFAULT_STEP_TYPE
            return step_config(kind) if kind in step_types() else None
        if any("type" in known_keys(model) for model in self.models):
            kind = node.text("type") or ""
            return next((model for model in self.models if kind in _types(model)), None)
        return next((model for model in self.models if _required(model) <= node.entries.keys()), None)

    @property
    def is_union(self) -> bool:
        """Whether a map here is one of several models, between which pydantic's locations name the choice."""
        return len(self.models) > 1

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all models together."""
        return frozenset().union(*(known_keys(model) for model in self.models))

    @property
    def required(self) -> frozenset[str]:
        """The keys that any of the models cannot do without."""
        return frozenset().union(*(_required(model) for model in self.models))

    @property
    def types(self) -> tuple[str, ...]:
        """What the ``type`` of a map may be here, in the order of the models."""
        return step_types() if self is STEP else tuple(kind for model in self.models for kind in _types(model))

    def under(self, key: str, model: type[Config] | None) -> Shape:
        """Return the shape of the value under a key of a map that is of ``model``."""
        if model is not None:
            return _fields(model).get(key, ANYTHING)
        return self.values or ANYTHING

    def child(self, node: Node | None, part: str | int) -> Shape:
        """Return the shape of what is under a key or an index of a node."""
        if isinstance(part, int):
            return self.items or ANYTHING
        return self.under(part, self.model(node)) if isinstance(node, Mapping) else ANYTHING


ANYTHING = Shape()
"""Free data."""


@cache
def known_keys(model: type[Config]) -> frozenset[str]:
    """Return the keys that a map of a model may have, as they are written."""
    return frozenset(_fields(model))


def _required(model: type[Config]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items() if field.is_required()}


@cache
def step_keys() -> frozenset[str]:
    """Return the keys of all step types together."""
    return STEP.keys


@cache
def _fields(model: type[Config]) -> dict[str, Shape]:
    fields = {field.alias or name: _shape(field.annotation) for name, field in model.model_fields.items()}
    if model is Workflow:
        fields |= {"defaults": STEP, "groups": Shape(values=STEP), "environments": Shape(values=WORKFLOW)}
    return fields


def _types(model: type[Config]) -> tuple[Any, ...]:
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()


def _shape(annotation: Any) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(arguments[0])
    if origin in {Union, UnionType}:
        return _united([_shape(choice) for choice in arguments if choice is not NoneType])
    if origin is list:
        return Shape(items=_shape(arguments[0]))
    if origin is dict:
        return Shape(values=_shape(arguments[1]))
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return STEP if annotation is Step else Shape(models=(annotation,))
    return ANYTHING


def _united(choices: list[Shape]) -> Shape:
    return Shape(
        models=tuple(model for choice in choices for model in choice.models),
        values=next((choice.values for choice in choices if choice.values), None),
        items=next((choice.items for choice in choices if choice.items), None),
    )


class _Steps(Shape):
    """A step of any type; the models are imported when all of them are asked for, as a file has few types."""

    is_union = True

    def __init__(self) -> None:
        """Leave the fields as the class has them."""

    @cached_property
    def models(self) -> tuple[type[Config], ...]:
        """The models of all types."""
        return tuple(step_config(kind) for kind in step_types())


STEP = _Steps()
"""A step of any type."""

WORKFLOW = Shape(models=(Workflow,))
"""A whole document."""
