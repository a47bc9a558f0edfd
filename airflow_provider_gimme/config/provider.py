"""What a file of ``providers/`` may say: which events start which workflows."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import DagId, Text

__all__ = ["Binding", "Condition", "ProviderFile", "ProviderInfo", "Trigger"]


class Condition(Config):
    """A comparison of a member of the event with a constant."""

    field: Text
    """What is compared: ``metadata.type`` within the event's data, or a path over the whole event, ``$.subject``."""
    operator: Literal["eq", "ne", "in", "exists", "gt", "lt", "matches"] = "eq"
    """How: ``matches`` looks for a regular expression; ``exists`` asks whether there is such a member."""
    value: Any = None
    """With what: a list for ``in``, true or false for ``exists`` (default true)."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.field.startswith("$") and not all(self.field.split(".")):
            raise ValueError(f"'{self.field}' is no field. Write names with dots between, or a path like $.subject.")
        if "value" not in self.model_fields_set and self.operator != "exists":
            raise ValueError(f"'value' is missing: what {self.operator} compares with. Write it.")
        wanted = _WANTED.get(self.operator)
        if wanted and "value" in self.model_fields_set and not isinstance(self.value, wanted[0]):
            raise ValueError(f"the value of {self.operator} is {wanted[1]}. Write one.")
        if self.operator == "matches":
            _check_pattern(self.value)
        return self


_WANTED: dict[str, tuple[type | tuple[type, ...], str]] = {
    "in": (list, "a list of values"),
    "exists": (bool, "true or false"),
    "gt": ((int, float, str), "a number or text"),
    "lt": ((int, float, str), "a number or text"),
    "matches": (str, "a regular expression"),
}


def _check_pattern(pattern: str) -> None:
    import regex  # type: ignore[import-untyped] # it ships no types

    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}. Correct it.") from None


class Trigger(Config):
    """An event that starts the workflow."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"conditions", "when"}),)

    event: Text
    """The event's name: its type, or a name that ``[gimme] event_subjects`` gives to types."""
    conditions: list[Condition] | None = None
    """All of them must hold; without any, every such event starts the workflow."""
    when: list[Condition] | None = None
    """Another word for ``conditions``."""

    @property
    def all_conditions(self) -> list[Condition]:
        """The conditions, however they are written."""
        return self.conditions or self.when or []


class Binding(Config):
    """A workflow that events start."""

    workflow_id: DagId
    """The Dag id of a workflow beside the folder ``providers``, or below it."""
    triggers: Annotated[list[Trigger], Field(min_length=1)]
    """The events that start it; one of them is enough."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """Recorded with the run."""
    input: dict[str, Any] | None = None
    """The run's inputs: constants, paths over the event (``$.data.id``), text with ``{$.path}``; default its data."""


class ProviderInfo(Config):
    """Who binds the events."""

    id: Text
    """The provider's id."""
    name: Text = ""
    """Its name."""
    type: Text = ""
    """What kind of provider it is; free text."""


class ProviderFile(Config):
    """A file of ``providers/``."""

    provider: ProviderInfo
    """Who binds the events."""
    workflows: list[Binding]
    """The workflows and their events."""
