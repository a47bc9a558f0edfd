"""``gimme plan``: what a workflow will do, without doing it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow_provider_gimme.cli.reading import read_plan
from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.plan.compensation import undo_waits
from airflow_provider_gimme.plan.schedule import next_runs
from airflow_provider_gimme.plan.timing import critical_path

if TYPE_CHECKING:
    from airflow_provider_gimme.plan import Plan, StepPlan

__all__ = ["describe", "run"]

_RUNS = 5


def run(options: Namespace) -> int:
    """Print the plan of a file, its warnings first."""
    plan = read_plan(options)
    for warning in plan.warnings:
        print(warning)
    print("\n".join(describe(plan, datetime.now(UTC))))
    return 0


def describe(plan: Plan, now: datetime) -> Iterator[str]:
    """Yield the lines that tell a plan: phases, groups, pools, the critical path, the next runs after ``now``."""
    yield f"{plan.dag_id}: {len(plan.steps)} steps in {len(plan.phases)} phases"
    yield from (f"  with {file}" for file in plan.around)
    yield from _phases(plan)
    yield from _groups(plan)
    yield from _compensation(plan)
    yield from _state(plan)
    path = critical_path(plan.steps)
    unbounded = f" (no limit: {', '.join(path.unbounded)})" if path.unbounded else ""
    yield ""
    yield f"Critical path, one try each: {format_duration(path.length)}{unbounded}"
    yield f"  {' → '.join(path.steps)}"
    yield from _runs(plan, now)


def _phases(plan: Plan) -> Iterator[str]:
    for number, phase in enumerate(plan.phases, start=1):
        yield ""
        yield f"Phase {number}"
        for name in phase:
            yield f"  {_step(plan.by_id[name])}"


def _step(step: StepPlan) -> str:
    parts = [step.task_id]
    if step.type != "api_call":
        parts.append(f"({step.type})")
    if step.group:
        parts.append(f"in {step.group}")
    if step.upstream:
        parts.append(f"after {', '.join(step.upstream)}")
    if step.condition is not None:
        parts.append(f"if {step.condition.source}")
    if step.chosen_by:
        parts.append(f"if chosen by {' or '.join(step.chosen_by)}")
    if step.run_on != "success":
        parts.append(f"on {step.run_on}")
    return "  ".join(parts)


def _groups(plan: Plan) -> Iterator[str]:
    if plan.groups:
        yield ""
        yield "Groups"
    for group in plan.groups:
        bound = f"at most {group.max_parallel} at once, pool {group.pool}" if group.pool else "unbounded"
        yield f"  {group.name}: {len(group.members)} steps, {bound}"


def _compensation(plan: Plan) -> Iterator[str]:
    if plan.undoable:
        yield ""
        yield "Undone where the run fails, in this order"
    for name, waits in undo_waits(plan.steps).items():
        yield f"  {name}" + (f"  after {', '.join(waits)}" if waits else "")


def _state(plan: Plan) -> Iterator[str]:
    if plan.state.values:
        yield ""
        yield "State, stored when a run succeeds"
    for name, compiled in plan.state.values.items():
        readers = [step.task_id for step in plan.steps if name in step.state_read]
        yield f"  {name} = {compiled.source}" + (f"  read by {', '.join(readers)}" if readers else "")


def _runs(plan: Plan, now: datetime) -> Iterator[str]:
    yield ""
    if plan.schedule is None:
        yield "No schedule: it runs when somebody triggers it."
        return
    name = plan.schedule.timezone if plan.workflow.timezone == "UTC" else plan.workflow.timezone
    yield f"Next runs ({name}, UTC)"
    for moment in next_runs(plan.schedule, _RUNS, now):
        local = f"{moment.astimezone(ZoneInfo(name)):%a %Y-%m-%d %H:%M:%S %Z}"
        yield f"  {local}   {moment.astimezone(UTC):%a %Y-%m-%d %H:%M:%S} UTC"
