"""What undoes a step once the run has failed: a call, planned as a step of its own that nothing waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.expressions import ANY
from airflow_provider_gimme.http.retry import ATTEMPT_LIMIT
from airflow_provider_gimme.plan.call import CallWork, plan_call
from airflow_provider_gimme.plan.for_each import ItemsPlan, Tolerance, item_names
from airflow_provider_gimme.plan.references import check_references
from airflow_provider_gimme.plan.retry import plan_retry
from airflow_provider_gimme.plan.state import state_names

if TYPE_CHECKING:
    from airflow_provider_gimme.config.compensation import Compensation
    from airflow_provider_gimme.config.step import Step
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.models import StepPlan
    from airflow_provider_gimme.plan.names import Names

__all__ = ["UNDO", "CompensationDraft", "UndoItems", "draft_compensation", "plan_compensation", "undo_waits"]

UNDO = "undo."
"""How the task that undoes a step is called: this, and the step's own id. No step's name has a dot."""

_OUTPUT = "output"
"""What the expressions of a compensation know beside the scope: the output of what is undone."""

_ATTEMPT = timedelta(seconds=60)


@dataclass(frozen=True)
class CompensationDraft:
    """A compensation that is compiled."""

    config: Compensation
    """What was written, with the step's service where it names none."""
    work: CallWork
    reads: frozenset[str]
    """The steps that its expressions read; they are no dependencies."""
    state_read: frozenset[str]
    """The names of the workflow's ``state`` that they read."""


@dataclass(frozen=True)
class _Undoable:
    """Gives the items that are undone, which the task finds out."""

    source: str = "the items that are undone"

    def evaluate(self, scope: Scope) -> Any:
        return scope.extra["undoable"]


@dataclass(frozen=True)
class _UndoneId:
    """Gives what tells the items apart: the same as in the fan-out."""

    source: str = "the id of what is undone"

    def evaluate(self, scope: Scope) -> Any:
        return scope.extra["undone_id"]


@dataclass(frozen=True)
class UndoItems(ItemsPlan):
    """How the items of a fan-out are undone: each is a map of ``id``, ``index``, ``item`` and ``output``."""

    def scope(self, scope: Scope, index: int, value: Any) -> Scope:  # noqa: ARG002 - its place in the other list counts
        """Return what the expressions of an item are evaluated over."""
        inside = super().scope(scope, value["index"], value["item"])
        return inside.with_extra(output=value["output"], undone_id=value["id"])


def draft_compensation(config: Step, context: Context, names: Names) -> CompensationDraft | None:
    """Compile the ``compensation`` of a step; ``context`` stands at the step."""
    written = config.compensation
    if written is None:
        return None
    place = context.at("compensation").separate()
    if written.verb in {"GET", "HEAD", "OPTIONS"}:
        place.report(f"a {written.verb} undoes nothing. Write 'method', such as DELETE.", warning=True)
    if written.service is None:
        written = written.model_copy(update={"service": getattr(config, "service", None)})
    if written.retry is None and (service := context.workflow.services.get(written.service or "")) is not None:
        written = written.model_copy(update={"retry": service.retry})
    work = plan_call(written, place.knowing(_OUTPUT, *item_names(getattr(config, "for_each", None))))
    reads = check_references(place, names, config.variables)
    state = state_names((each for _, each in place.references), context.workflow.state)
    return CompensationDraft(written, work, frozenset(names.listed) if ANY in reads else reads, state)


def plan_compensation(draft: CompensationDraft, step: StepPlan) -> StepPlan:
    """Return the step that undoes a step. It takes its slot in the same pool, and is tried again after any failure."""
    from airflow_provider_gimme.steps.api_call.config import StepConfig

    attempt, each = draft.config.limit or _ATTEMPT, getattr(step.work, "each", None)
    task_id = f"{UNDO}{step.task_id}"
    return replace(
        step,
        task_id=task_id,
        display_name=f"undo {step.display_name}",
        description=f"Undoes '{step.task_id}' where the run has failed.",
        type="api_call",
        config=StepConfig.model_construct(id=task_id, sensitive=step.config.sensitive),
        work=draft.work if each is None else replace(draft.work, each=_undo_items(each)),
        group=None,
        upstream=(),
        reads=draft.reads | {step.task_id},
        run_on="always",
        tolerated=False,
        state_read=draft.state_read,
        condition=None,
        retry=replace(plan_retry(draft.config), safe_only=False),
        on_crash=True,
        timeout=None if each is not None else attempt + timedelta(seconds=30),
        attempt_timeout=attempt,
        attempt_limit=ATTEMPT_LIMIT if draft.config.limit is None else "the compensation's 'timeout'",
        output_key=None,
        resumes=(),
        chosen_by=(),
        fallback=(),
        compensation=None,
    )


def undo_waits(steps: Sequence[StepPlan]) -> dict[str, tuple[str, ...]]:
    """Return, for each step with a compensation, the steps that are undone before it: the nearest after it.

    ``steps`` are in the plan's order; the result is in the reverse of it.
    """
    nearest: dict[str, dict[str, None]] = {step.task_id: {} for step in steps}
    waits: dict[str, tuple[str, ...]] = {}
    for step in reversed(steps):
        after: Mapping[str, None] = nearest[step.task_id]
        if step.compensation is not None:
            waits[step.task_id] = tuple(after)
            after = {step.task_id: None}
        for before in step.upstream:
            nearest[before].update(after)
    return waits


def _undo_items(each: ItemsPlan) -> UndoItems:
    return UndoItems(
        items=_Undoable(),  # type: ignore[arg-type]
        key=_UndoneId(),  # type: ignore[arg-type]
        name=each.name,
        max_parallel=each.max_parallel,
        tolerance=Tolerance(0),
        batch_size=None,
        save_to=None,
        stops_early=False,
    )
