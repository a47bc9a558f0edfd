"""Events and what they start: an event, the bindings of a workflow, and whether one fits the other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Compiler, Scope

if TYPE_CHECKING:
    from airflow_provider_gimme.config.provider import Binding, Condition
    from airflow_provider_gimme.expressions import Compiled

__all__ = ["Bound", "Event", "Subjects", "check_field", "compile_input", "event_tag", "run_id_of"]

_ABSENT = object()
_PATTERN_SECONDS = 0.1
_TAG_LENGTH = 100
_PROVIDER_LENGTH = 60

Subjects = Mapping[str, tuple[str, ...]]
"""Event name to the types it stands for, with ``*`` for one part between dots and a last ``>`` for all that follow."""


@dataclass(frozen=True)
class Event:
    """An event of CloudEvents 1.0: its attributes, extensions included, and its data."""

    id: str
    source: str
    type: str
    data: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """All attributes, those above too."""

    def as_data(self) -> dict[str, Any]:
        """Return what ``$`` is in paths over the event."""
        return {**self.attributes, "id": self.id, "source": self.source, "type": self.type, "data": self.data}

    def names(self, subjects: Subjects) -> frozenset[str]:
        """Return the names that a binding may call the event by: its type, and those that stand for it."""
        meant = (name for name, patterns in subjects.items() if any(_is_like(self.type, each) for each in patterns))
        return frozenset({self.type, *meant})


@dataclass(frozen=True)
class Bound:
    """A workflow as one provider binds it to events."""

    provider: str
    file: str
    config: Binding
    _input: Compiled[Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, provider: str, file: str, config: Binding) -> Bound:
        """Return a binding, compiled.

        :raises ExpressionError: where a path of the input or of a condition cannot be read.
        """
        for trigger in config.triggers:
            for condition in trigger.all_conditions:
                check_field(condition.field)
        return cls(provider, file, config, None if config.input is None else compile_input(config.input))

    @classmethod
    def from_text(cls, text: str) -> Bound:
        """Return what :meth:`to_text` has written."""
        return _read(text)

    def to_text(self) -> str:
        """Write the binding as one line of JSON, as it travels with the Dag."""
        binding = self.config.model_dump(mode="json", exclude_unset=True)
        row = {"provider": self.provider, "file": self.file, "binding": binding}
        return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def workflow_id(self) -> str:
        """The Dag that it starts."""
        return self.config.workflow_id

    @property
    def events(self) -> frozenset[str]:
        """The names of the events that may start it."""
        return frozenset(trigger.event for trigger in self.config.triggers)

    def fits(self, event: Event, names: Iterable[str]) -> bool:
        """Say whether an event of these ``names`` starts the workflow: one trigger with all its conditions."""
        known, data = frozenset(names), event.as_data()
        return any(
            trigger.event in known and all(_holds(condition, data) for condition in trigger.all_conditions)
            for trigger in self.config.triggers
        )

    def conf(self, event: Event) -> dict[str, Any]:
        """Return the inputs of the run that an event starts: as the binding says, else the event's data.

        :raises ExpressionError: where they cannot be computed, or the data is no map and the binding has no ``input``.
        """
        if self._input is not None:
            found: dict[str, Any] = self._input.evaluate(Scope().with_root(event.as_data()))
            return found
        if event.data is None:
            return {}
        if not isinstance(event.data, dict):
            raise ExpressionError(
                "the event's data is no map, so it cannot be the run's inputs. Write 'input' in the binding."
            )
        return event.data


def check_field(written: str) -> None:
    """Check the field of a condition.

    :raises ExpressionError: where it is a path that cannot be read.
    """
    _finder(written)


def compile_input(written: Any) -> Compiled[Any]:
    """Compile what a binding gives a run.

    :raises ExpressionError: where a path cannot be read, or a secret is named.
    """
    compiled = Compiler().path_mapping(written)
    if compiled.secrets:
        raise ExpressionError(
            "a secret may not stand here: a run's inputs can be seen. Use it in the workflow, where a call is made."
        )
    return compiled


def event_tag(name: str) -> str:
    """Return the tag of the Dags that an event starts, by which they are found."""
    return f"event:{name}"[:_TAG_LENGTH]


def run_id_of(event: Event, provider: str) -> str:
    """Return the id of the run that an event starts through a provider: the same however often it is sent."""
    digest = hashlib.sha256(json.dumps([event.source, event.id, provider]).encode()).hexdigest()[:24]
    return f"event__{re.sub(r'[^A-Za-z0-9_-]', '_', provider)[:_PROVIDER_LENGTH]}__{digest}"


@lru_cache(maxsize=4096)
def _read(text: str) -> Bound:
    from airflow_provider_gimme.config.provider import Binding

    row = json.loads(text)
    return Bound.of(row["provider"], row["file"], Binding.model_validate(row["binding"]))


def _is_like(event_type: str, pattern: str) -> bool:
    parts = ["[^.]+" if part == "*" else re.escape(part) for part in pattern.removesuffix(">").split(".")]
    return re.fullmatch("\\.".join(parts) + (".+" if pattern.endswith(">") else ""), event_type) is not None


@lru_cache(maxsize=4096)
def _finder(written: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what finds a condition's field in an event; it gives a mark of its own where there is none."""
    if written.startswith("$"):
        from airflow_provider_gimme.expressions.paths import ABSENT, Path

        path = Path.compile(written, over="body")

        def find(data: Mapping[str, Any]) -> Any:
            found = path.find_in(data)
            return _ABSENT if found is ABSENT else found

        return find
    names = written.split(".")
    return lambda data: _member(data["data"], names)


def _member(value: Any, names: Iterable[str]) -> Any:
    for name in names:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _ABSENT
    return value


def _holds(condition: Condition, data: Mapping[str, Any]) -> bool:
    """Say whether a condition holds. Where there is no such member, only ``ne`` and ``exists: false`` do."""
    found, wanted = _finder(condition.field)(data), condition.value
    if condition.operator == "exists":
        return (found is not _ABSENT) is not (wanted is False)
    if found is _ABSENT:
        return condition.operator == "ne"
    return _COMPARE[condition.operator](found, wanted)


def _equal(one: Any, other: Any) -> bool:
    """Say whether two values are the same in JSON, where true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _greater(one: Any, other: Any) -> bool:
    """Compare numbers with numbers and text with text, as dates in ISO form; nothing else is greater."""
    if (_is_number(one) and _is_number(other)) or (isinstance(one, str) and isinstance(other, str)):
        return bool(one > other)
    return False


def _matches(text: Any, pattern: str) -> bool:
    import regex  # type: ignore[import-untyped] # it ships no types

    try:
        return isinstance(text, str) and regex.search(pattern, text, timeout=_PATTERN_SECONDS) is not None
    except TimeoutError:
        raise ExpressionError(f"the pattern '{pattern}' takes too long over the event. Write a simpler one.") from None


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    "ne": lambda found, wanted: not _equal(found, wanted),
    "in": lambda found, wanted: any(_equal(found, each) for each in wanted),
    "gt": _greater,
    "lt": lambda found, wanted: _greater(wanted, found),
    "matches": _matches,
}
