"""What expressions are evaluated over: inputs, variables, the results of steps, the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, overload

from airflow_provider_gimme.errors import ExpressionError, SecretError

__all__ = ["NO_ROOT", "GroupResult", "RunInfo", "Scope", "Status", "StepResult", "Window"]

Status = Literal["success", "failed", "skipped", "tolerated", "upstream_failed"]

_WORST_FIRST: tuple[Status, ...] = ("failed", "upstream_failed", "tolerated")


@dataclass(frozen=True)
class StepResult:
    """What is known of one step: ``output`` is null unless it succeeded, ``status`` None while it has not ended.

    ``error`` tells why it failed, ``failed`` lists the items of a fan-out that failed, ``answered_by`` is 0 where the
    step's own call gave the output and n where its n-th fallback did.
    """

    output: Any = None
    status: Status | None = None
    error: Any = None
    failed: Any = None
    answered_by: int | None = None


@dataclass(frozen=True)
class GroupResult(Sequence[Any]):
    """The outputs of a group's members that succeeded, in listed order; members by name too."""

    members: Mapping[str, StepResult]
    unread: tuple[str, ...] = ()
    """Members whose results were not read: then the others are there by name, but the group as a whole is not."""
    _outputs: list[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        outputs = [member.output for member in self.members.values() if member.status == "success"]
        object.__setattr__(self, "_outputs", outputs)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._whole()[index]

    def __len__(self) -> int:
        return len(self._whole())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._whole())

    @property
    def output(self) -> list[Any]:
        """The outputs as a list."""
        return list(self._whole())

    def _whole(self) -> list[Any]:
        if self.unread:
            raise ExpressionError(f"the group is not whole here: {', '.join(self.unread)} may not have ended")
        return self._outputs

    @property
    def status(self) -> Status | None:
        """The worst status of a member; ``skipped`` if all were, None while one has not ended."""
        found = {member.status for member in self.members.values()}
        for status in _WORST_FIRST:
            if status in found:
                return status
        if None in found:
            return None
        return "skipped" if found == {"skipped"} else "success"

    @property
    def error(self) -> dict[str, Any] | None:
        """The errors of the members that have one, by name; None without any."""
        errors = {name: member.error for name, member in self.members.items() if member.error is not None}
        return errors or None

    @property
    def failed(self) -> list[str]:
        """The names of the members that failed, tolerated or not."""
        return [name for name, member in self.members.items() if member.status in {"failed", "tolerated"}]


@dataclass(frozen=True)
class Window:
    """The time a scheduled run stands for: from the previous scheduled time to this one."""

    start: datetime | str | None = None
    end: datetime | str | None = None


@dataclass(frozen=True)
class RunInfo:
    """What ``run`` (also ``execution``) tells: times are in the workflow's zone, ``attempt`` counts from 1."""

    id: str = ""
    time: datetime | str | None = None
    window: Window = Window()
    scheduled: bool = False
    attempt: int = 1

    def as_data(self) -> dict[str, Any]:
        """Return the members as data."""
        return {
            "id": self.id,
            "time": self.time,
            "window": {"start": self.window.start, "end": self.window.end},
            "scheduled": self.scheduled,
            "attempt": self.attempt,
        }


class _NoRoot:
    """The mark of a scope that is its own root."""


NO_ROOT = _NoRoot()


def _no_secrets(name: str) -> str:
    raise SecretError(f"'${{{name}}}' cannot be read here: secrets are only resolved where a call is made", name=name)


@dataclass(frozen=True)
class Scope:
    """Everything an expression can see when it is evaluated.

    ``extra`` holds names that exist in some places only (``response``, ``item``, ``index``, ``page``, ``call``), and as
    ``path`` the values for the ``{name}`` of an endpoint, which inputs and variables give otherwise.
    ``secret`` gives the value of a ``${NAME}``, or raises ``SecretError``. ``root`` is what ``$`` means, where it is
    not the scope itself.
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, StepResult | GroupResult] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] | RunInfo = RunInfo()
    provider_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    secret: Callable[[str], str] = _no_secrets
    root: Any = NO_ROOT

    def with_extra(self, **names: Any) -> Scope:
        """Return this scope with more local names."""
        scope = object.__new__(Scope)  # not by replace(): this is done several times for each answer and each item
        scope.__dict__.update(self.__dict__, extra={**self.extra, **names})
        return scope

    def with_root(self, value: Any) -> Scope:
        """Return this scope with another meaning of ``$``, such as the body of an answer."""
        return replace(self, root=value)

    def run_data(self) -> Mapping[str, Any]:
        """Return ``run`` as data."""
        return self.run.as_data() if isinstance(self.run, RunInfo) else self.run

    def name(self, name: str, local: frozenset[str] = frozenset()) -> Any:
        """Return the value of a bare name; ``local`` are those that ``extra`` gives at this place.

        :raises KeyError: where there is none.
        """
        if name in {"inputs", "variables", "outputs", "provider_id"}:
            return getattr(self, name)
        if name in {"run", "execution"}:
            return self.run_data()
        if name == "steps":
            return {step: getattr(result, "output", None) for step, result in self.steps.items()}
        return self.extra[name] if name in local else self.variables[name]
