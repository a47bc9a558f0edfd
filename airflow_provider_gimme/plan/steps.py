"""From a step of the file to its plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.expressions import ANY
from airflow_provider_gimme.http.retry import ATTEMPT_LIMIT
from airflow_provider_gimme.plan.compensation import CompensationDraft, draft_compensation, plan_compensation
from airflow_provider_gimme.plan.fallback import plan_fallback, with_fallback
from airflow_provider_gimme.plan.for_each import item_names
from airflow_provider_gimme.plan.models import StepPlan
from airflow_provider_gimme.plan.names import RESUME_URLS, Names
from airflow_provider_gimme.plan.references import check_references, no_variable
from airflow_provider_gimme.plan.retry import step_retry
from airflow_provider_gimme.plan.state import state_names
from airflow_provider_gimme.steps import part

if TYPE_CHECKING:
    from airflow_provider_gimme.config.retry import Retry
    from airflow_provider_gimme.config.step import Step
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.graph import Graph

__all__ = ["DEFAULT_ATTEMPT_TIMEOUT", "DEFAULT_TIMEOUT", "StepDraft", "draft_step", "plan_step"]

DEFAULT_TIMEOUT = timedelta(minutes=10)
"""The limit of one try of a step that writes none."""

DEFAULT_ATTEMPT_TIMEOUT = timedelta(seconds=60)
"""The limit of one HTTP attempt of a step that writes none."""


@dataclass(frozen=True)
class StepDraft:
    """A step that is compiled, but has no place in an order yet."""

    config: Any
    work: object
    fallback: tuple[object, ...]
    compensation: CompensationDraft | None
    condition: Compiled[bool] | None
    reads: frozenset[str]
    """The steps that its expressions name."""
    reads_any: bool
    """Whether an expression names a step only when it is evaluated."""
    context: Context
    """Where the step stands in the file."""


def draft_step(config: Step, context: Context, names: Names) -> StepDraft:
    """Compile the expressions of a step and check what they refer to; ``context`` stands at the step."""
    plan_work = part(_type(config), "plan").plan_work
    inside = context.knowing(*item_names(getattr(config, "for_each", None)))
    work, fallback = plan_work(config, context), plan_fallback(config, inside, plan_work)
    condition = _condition(config, context)
    _check_variables(config, context)
    reads = check_references(context, names, config.variables)
    undo = draft_compensation(config, context, names)
    return StepDraft(config, work, fallback, undo, condition, reads - {ANY}, ANY in reads, context)


def plan_step(draft: StepDraft, graph: Graph, pool: str | None) -> StepPlan:
    """Give a compiled step its place: the steps it waits for, and its pool."""
    config = draft.config
    earlier = graph.before(config.task_id) if draft.reads_any else frozenset()
    retry: Retry | None = getattr(config, "retry", None)
    attempt, called = _attempt_limit(config, retry)
    step = StepPlan(
        task_id=config.task_id,
        display_name=config.display_name,
        description=config.description,
        type=_type(config),
        config=config,
        work=draft.work,
        group=config.parallel_group,
        upstream=graph.upstream[config.task_id],
        reads=draft.reads | earlier,
        state_read=state_names((each for _, each in draft.context.references), draft.context.workflow.state),
        run_on=config.run_on,
        tolerated=config.tolerated,
        condition=draft.condition,
        retry=step_retry(config),
        on_crash=retry is None or retry.on_crash,
        timeout=_limit(config, retry),
        attempt_timeout=attempt,
        attempt_limit=called,
        pool=pool,
        output_key=config.output_key,
        resumes=_resumes(draft),
        chosen_by=graph.chosen_by.get(config.task_id, ()),
    )
    if draft.compensation is not None:
        step = replace(step, compensation=plan_compensation(draft.compensation, step))
    return with_fallback(step, draft.fallback, partial(_attempt_limit, config))


def _resumes(draft: StepDraft) -> tuple[str, ...]:
    """Return the waiting steps of the workflow, where the step tells a resume URL."""
    told = any(each.kind == "name" and each.name == RESUME_URLS for _, each in draft.context.references)
    return Names.of(draft.context.workflow).waiting if told else ()


def _type(config: Any) -> str:
    step_type: str = config.type
    return step_type


def _condition(config: Step, context: Context) -> Compiled[bool] | None:
    if config.condition is None:
        return None
    written = config.condition
    text = str(written).lower() if isinstance(written, bool) else written
    return context.at("condition").compile("condition", text)


def _check_variables(config: Step, context: Context) -> None:
    known = context.workflow.variables
    for index, name in enumerate(config.variables or ()):
        if name not in known:
            context.at("variables", index).report(no_variable(name, known))


def _limit(config: Step, retry: Retry | None) -> timedelta | None:
    if not _bounded(config):
        return config.limit
    return config.limit or (None if retry is None else retry.timeout) or DEFAULT_TIMEOUT


def _attempt_limit(config: Step, retry: Retry | None) -> tuple[timedelta, str]:
    """Return the limit of one HTTP attempt, and what it is called."""
    if retry is not None and retry.timeout is not None:
        return retry.timeout, "'retry.timeout'"
    if config.limit is not None and _bounded(config):
        return config.limit, "the step's 'timeout'"
    return DEFAULT_ATTEMPT_TIMEOUT, ATTEMPT_LIMIT


def _bounded(config: Step) -> bool:
    return config.bounded and not any(getattr(config, key, None) is not None for key in ("for_each", "paginate"))
