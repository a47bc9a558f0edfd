"""What expressions refer to: checked against the file, and turned into steps that must have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.expressions import ANY
from airflow_provider_gimme.expressions.reference import STEP_MEMBERS
from airflow_provider_gimme.plan.names import RESUME_URLS

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Reference
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.names import Names

__all__ = ["check_references", "no_variable"]

_OF_A_STEP = STEP_MEMBERS | {"output"}
"""What every step and every group has beside members."""


def check_references(context: Context, names: Names, allowed: list[str] | None = None) -> frozenset[str]:
    """Check every reference that ``context`` has collected and return the steps that are read.

    ``allowed`` are the variables a step may use, where it says so. Where a step is only named when the expression is
    evaluated (``steps[inputs.which]``), :data:`ANY` is among them.
    """
    read: set[str] = set()
    for path, reference in context.references:
        before = len(context.problems)
        read.update(_check(context.root().at(*path), reference, names, allowed))
        if len(context.problems) > before and (exact := context.exact(path, reference)) != path:
            del context.problems[before:]
            list(_check(context.root().at(*exact), reference, names, allowed))
    return frozenset(read)


def _check(place: Context, reference: Reference, names: Names, allowed: list[str] | None) -> Iterator[str]:
    """Check a reference and yield the steps that are read by it."""
    if reference.kind in {"step", "output"}:
        yield from _steps(place, reference, names)
    elif reference.kind == "variable":
        _check_variable(place, reference.name, allowed)
    elif reference.kind == "input":
        _check_input(place, reference.name)
    elif reference.kind == "name" and reference.name == "state":
        _check_state(place, reference.member)
    elif reference.kind == "name" and reference.name == RESUME_URLS:
        _check_resumes(place, reference.member, names.waiting)


def _steps(place: Context, reference: Reference, names: Names) -> Iterator[str]:
    if reference.name == ANY:
        yield ANY
        return
    if reference.kind == "output":
        step = names.output_keys.get(reference.name)
        if step is None:
            near = did_you_mean(reference.name, names.output_keys)
            place.report(f"no step has output_key '{reference.name}'.{near or ' Write it at the step that is meant.'}")
        else:
            yield step
        return
    found = names.expand(reference.name)
    if found is None:
        place.report(names.unknown(reference.name))
        return
    member = reference.member
    if reference.name in names.members and member in found:
        yield member
        return
    if reference.name in names.members and member is not None and member not in _OF_A_STEP and not member.isdecimal():
        near = did_you_mean(member, found) or f" Members: {', '.join(found[:8])}."
        place.report(f"group '{reference.name}' has no member '{member}'.{near}")
    yield from found


def no_variable(name: str, known: Iterable[str]) -> str:
    """Say that no variable has a name, and what is near."""
    near = did_you_mean(name, known) or " Add it under 'variables' of the workflow."
    return f"no variable is called '{name}'.{near}"


def _check_variable(place: Context, name: str, allowed: list[str] | None) -> None:
    known = place.workflow.variables
    if name not in known:
        place.report(no_variable(name, known))
    elif allowed is not None and name not in allowed:
        place.report(f"the variable '{name}' is not in this step's 'variables'. Add it there.")


def _check_input(place: Context, name: str) -> None:
    schema = place.input_schema
    if schema is None or name in schema.get("properties", {}):
        return
    closed = schema.get("additionalProperties") is False
    near = did_you_mean(name, schema.get("properties", {}))
    named = place.workflow.input_schema_id
    called = "'inputs'" if named is None else f"the schema '{named}'"
    place.report(f"{called} has no property '{name}'.{near or ' Add it there.'}", warning=not closed)


def _check_state(place: Context, name: str | None) -> None:
    known = place.workflow.state
    if name is not None and name not in known:
        near = did_you_mean(name, known) or f" It has {', '.join(known)}."
        place.report(f"'state' has no '{name}'.{near}")


def _check_resumes(place: Context, name: str | None, known: tuple[str, ...]) -> None:
    if not known:
        place.report("no step waits for an event, so there is no resume URL. Add a step with 'type: wait' and 'event'.")
    elif name is not None and name not in known:
        near = did_you_mean(name, known) or f" Such steps: {', '.join(known)}."
        place.report(f"'{name}' is no step that waits for an event.{near}")
