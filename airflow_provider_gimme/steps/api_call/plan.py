"""What an ``api_call`` step means."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_gimme.plan.call import CallWork, plan_call
from airflow_provider_gimme.plan.for_each import item_names, plan_for_each

if TYPE_CHECKING:
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.api_call.config import StepConfig

__all__ = ["plan_work"]


def plan_work(config: StepConfig, context: Context) -> CallWork:
    """Compile the expressions of an ``api_call`` step; ``context`` stands at the step."""
    if getattr(config, "for_each", None) is not None:
        return _plan_items(config, context)
    if config.paginate is None:
        return plan_call(config, context)
    from airflow_provider_gimme.plan.paginate import plan_paginate

    work = plan_call(config, context, "page")
    return replace(work, pages=plan_paginate(config, config.paginate, context.at("paginate")))


def _plan_items(config: StepConfig, context: Context) -> CallWork:
    """Compile a step that calls for each item; all but its items and where they are saved knows ``item``."""
    if config.for_each is None:
        raise RuntimeError("only a step with 'for_each' has items")
    _check_batches(config, context)
    if config.sensitive and config.save_to is not None:
        context.at("save_to").report("a sensitive list is kept in no file. Remove 'save_to'.")
    each = plan_for_each(config.for_each, config.save_to, context)
    single = config.model_copy(update={"save_to": None, "fallback": None, "for_each": None})
    return replace(plan_work(single, context.knowing(*item_names(config.for_each))), each=each)


def _check_batches(config: StepConfig, context: Context) -> None:
    """Refuse pages of a batch: nobody could tell which of their items belong to which item of the batch."""
    if getattr(config.for_each, "batch_size", None) is None:
        return
    paged = [("fallback", number) for number, entry in enumerate(config.fallback or ()) if entry.paginate is not None]
    for path in ((), *paged) if config.paginate is not None else paged:
        context.at(*path, "paginate").report(
            "the pages of a batch cannot be told apart by its items. Remove 'batch_size', so that each item has pages."
        )
