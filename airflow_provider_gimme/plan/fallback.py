"""What is tried when a step's own call has failed for good, as steps in the step's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.plan.retry import NEVER, plan_retry

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_provider_gimme.config.fallback import Fallback
    from airflow_provider_gimme.config.retry import Retry
    from airflow_provider_gimme.config.step import Step
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.models import StepPlan

__all__ = ["ValueWork", "plan_fallback", "with_fallback"]


@dataclass(frozen=True)
class ValueWork:
    """An output without any call."""

    value: Compiled[Any]


def plan_fallback(config: Step, context: Context, plan_work: Callable[[Any, Context], object]) -> tuple[object, ...]:
    """Compile the entries of a step's ``fallback`` by the ``plan_work`` of its type; ``context`` stands at the step."""
    works: list[object] = []
    entries = _entries(config)
    for index, entry in enumerate(entries):
        place = context.at("fallback", index)
        if "value" in entry.model_fields_set:
            if index + 1 < len(entries):
                place.report("a 'value' always answers, so nothing behind it is ever tried. Write it last.")
            works.append(ValueWork(place.at("value").compile("value", entry.value)))
        else:
            works.append(plan_work(entry, place))
    return tuple(works)


def with_fallback(
    step: StepPlan, works: tuple[object, ...], attempt: Callable[[Retry | None], tuple[timedelta, str]]
) -> StepPlan:
    """Return a step with its fallbacks, each with its own retries; ``attempt`` gives the limit of one HTTP attempt."""
    return replace(step, fallback=tuple(_steps(step, works, attempt))) if works else step


def _steps(
    step: StepPlan, works: tuple[object, ...], attempt: Callable[[Retry | None], tuple[timedelta, str]]
) -> Iterator[StepPlan]:
    for entry, work in zip(_entries(step.config), works, strict=True):
        timeout, limit = attempt(entry.retry)
        rules = NEVER if isinstance(work, ValueWork) else plan_retry(entry)
        yield replace(step, work=work, retry=rules, attempt_timeout=timeout, attempt_limit=limit)


def _entries(config: Step) -> list[Fallback]:
    return getattr(config, "fallback", None) or []
