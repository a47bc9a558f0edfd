"""A planned workflow: pure data that says what runs, in which order, with what.

Everything that can be decided from the file alone is decided here, so that what comes after (a Dag, the command line)
only reads. Expressions are compiled; nothing is resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from airflow_provider_gimme.config import Workflow
    from airflow_provider_gimme.config.step import RunOn, Step
    from airflow_provider_gimme.errors import Problem
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.http.retry import RetryRules

__all__ = ["GroupPlan", "Plan", "SchedulePlan", "StatePlan", "StepPlan"]


@dataclass(frozen=True)
class StepPlan:
    """One step: one task."""

    task_id: str
    """The task's id."""
    display_name: str
    """The name shown to people."""
    description: str
    """The task's documentation."""
    type: str
    """The step type: the name of its folder in ``steps``."""
    config: Step
    """What was written, defaults merged in."""
    work: object
    """What the step does, compiled: what ``plan_work`` of its type made, read by the operator of its type."""
    group: str | None
    """The group it belongs to."""
    upstream: tuple[str, ...]
    """The steps that must have ended before this one starts: direct ones only, in the plan's order."""
    reads: frozenset[str]
    """The steps whose output, status or error its expressions read (members of groups included)."""
    run_on: RunOn
    """Whether it runs after success, after a failure, or always."""
    tolerated: bool
    """Whether the run goes on when it has failed."""
    state_read: frozenset[str]
    """The names of the workflow's ``state`` that its expressions read."""
    condition: Compiled[bool] | None
    """It runs only if this is true."""
    retry: RetryRules
    """When and how a call of it is tried again."""
    on_crash: bool
    """Whether it is done again after a crash of Airflow's own process."""
    timeout: timedelta | None
    """The limit of one try of the whole step."""
    attempt_timeout: timedelta
    """The limit of one HTTP attempt."""
    attempt_limit: str
    """How that limit is called in messages: the key that it is written under."""
    pool: str | None
    """The pool it takes a slot of: of its bounded group, a named one, or Airflow's default."""
    output_key: str | None
    """A second name of its output."""
    resumes: tuple[str, ...] = ()
    """The waiting steps whose resume URLs its call knows."""
    chosen_by: tuple[str, ...] = ()
    """The switches of which one must choose it; without any it needs none."""
    compensation: StepPlan | None = None
    """What undoes it once the run has failed."""
    fallback: tuple[StepPlan, ...] = ()
    """What is tried in order when its call has failed for good: the step with another ``work``, its own ``retry`` and
    ``attempt_timeout``."""

    @property
    def entries(self) -> tuple[StepPlan, ...]:
        """The step itself and its fallbacks, in the order in which they are tried."""
        return (self, *self.fallback)


@dataclass(frozen=True)
class GroupPlan:
    """One group: a TaskGroup, with a pool where it is bounded."""

    name: str
    description: str
    members: tuple[str, ...]
    """The task ids of its members, as listed."""
    max_parallel: int | None
    """How many of its tasks may be at work at once, over all runs."""
    pool: str | None
    """The pool that bounds it: ``gimme.<dag>.<group>``."""


@dataclass(frozen=True)
class SchedulePlan:
    """When a workflow runs by itself: either ``cron`` or ``every`` is set."""

    timezone: str
    """The zone the cron expression is read in, or the one whose midnight ``every`` counts from."""
    cron: str | None = None
    """A cron expression of five fields; presets are resolved."""
    every: timedelta | None = None
    """A fixed interval."""
    start: datetime | None = None
    """The workflow's ``start_date``, with its zone."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone as an object."""
        return ZoneInfo(self.timezone)

    @property
    def anchor(self) -> datetime:
        """The moment that intervals are counted from: ``start_date``, else a midnight of long ago in the zone."""
        return self.start or datetime(2000, 1, 1, tzinfo=self.zone)


@dataclass(frozen=True)
class StatePlan:
    """What a run leaves to the next one."""

    values: Mapping[str, Compiled[Any]]
    """Name to expression."""
    reads: frozenset[str]
    """The steps that the expressions read."""
    state_read: frozenset[str]
    """The names of the state as it was that the expressions, or those of ``outputs``, read."""


@dataclass(frozen=True)
class Plan:
    """A workflow, planned."""

    dag_id: str
    display_name: str
    file: str
    """The name of the file, for messages."""
    text: str
    """The file's text."""
    workflow: Workflow
    """What was written, overlay and defaults merged in."""
    steps: tuple[StepPlan, ...]
    """All steps, each after those it waits for."""
    groups: tuple[GroupPlan, ...]
    phases: tuple[tuple[str, ...], ...]
    """Task ids by the earliest moment they can start: those of one phase can run side by side."""
    schedule: SchedulePlan | None
    pools: Mapping[str, int]
    """Pools this workflow makes: those of its bounded groups and those it names, with their slots."""
    input_schema: Mapping[str, Any] | None
    """The whole JSON Schema of the run's conf."""
    outputs: Compiled[Any] | None
    """The workflow's result where the file says what it is."""
    outputs_read: frozenset[str]
    """The steps that ``outputs`` reads."""
    output_schema: Mapping[str, Any] | None
    """The JSON Schema of the workflow's result."""
    state: StatePlan
    """What the run leaves to the next one."""
    leaves: tuple[str, ...]
    """Steps that nothing waits for."""
    output_keys: Mapping[str, str]
    """``outputs.<key>`` to the step it stands for."""
    variables: Mapping[str, Any]
    """The workflow's constants, as plain data."""
    around: tuple[str, ...] = ()
    """The files around it that shape it: the folder's ``_defaults``, the schemas that it names."""
    warnings: tuple[Problem, ...] = ()
    by_id: Mapping[str, StepPlan] = field(init=False, repr=False, compare=False)
    """The steps, and what undoes them, by task id."""

    def __post_init__(self) -> None:
        undo = [step.compensation for step in self.steps if step.compensation is not None]
        object.__setattr__(self, "by_id", {step.task_id: step for step in (*self.steps, *undo)})

    def with_warnings(self, warnings: Iterable[Problem]) -> Plan:
        """Return this plan with the warnings of its file."""
        return replace(self, warnings=tuple(sorted(warnings)))

    @property
    def undoable(self) -> tuple[StepPlan, ...]:
        """The steps that can be undone, in the plan's order."""
        return tuple(step for step in self.steps if step.compensation is not None)

    @property
    def needs_inputs_task(self) -> bool:
        """Whether a task ``inputs`` before all others checks the run's conf."""
        return self.input_schema is not None or self.workflow.active is False

    @property
    def needs_result_task(self) -> bool:
        """Whether a task ``result`` after all leaves computes what the file says of the run's end."""
        return self.gives_result or bool(self.state.values)

    @property
    def gives_result(self) -> bool:
        """Whether the task ``result`` gives the workflow's result: it is computed, or checked."""
        return self.outputs is not None or self.output_schema is not None

    @property
    def timezone(self) -> ZoneInfo:
        """The workflow's zone."""
        return ZoneInfo(self.workflow.timezone)
