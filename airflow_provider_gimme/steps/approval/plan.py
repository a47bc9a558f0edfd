"""What an ``approval`` step means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.plan.json_schema import validator_of

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.steps.approval.config import StepConfig

__all__ = ["ApprovalWork", "plan_work"]


@dataclass(frozen=True)
class ApprovalWork:
    """One question, compiled."""

    message: Compiled[str]
    details: Compiled[str] | None
    options: tuple[str, ...]
    refusals: tuple[str, ...]
    """The options that fail the step."""
    defaults: tuple[str, ...]
    """What is taken when the time is over; nothing: the step fails then."""
    multiple: bool
    form: Mapping[str, Any]
    """Field to its JSON Schema."""
    assigned_to: tuple[str, ...]
    """The ids of the users who may answer; none: whoever may act on the Dag."""


def plan_work(config: StepConfig, context: Context) -> ApprovalWork:
    """Compile the texts of an ``approval`` step; ``context`` stands at the step."""
    from jsonschema.exceptions import SchemaError

    for name, schema in (config.form or {}).items():
        try:
            validator_of(schema).check_schema(schema)
        except (SchemaError, TypeError, AttributeError) as error:
            told = getattr(error, "message", "it is no map")
            context.at("form", name).report(f"not a JSON Schema: {told}. Write one as for a property of 'inputs'.")
    details = config.details
    return ApprovalWork(
        message=context.at("message").compile("template", config.message),
        details=None if details is None else context.at("details").compile("template", details),
        options=config.choices,
        refusals=config.refusals,
        defaults=config.defaults,
        multiple=config.multiple,
        form=config.form or {},
        assigned_to=tuple(config.assigned_to or ()),
    )
