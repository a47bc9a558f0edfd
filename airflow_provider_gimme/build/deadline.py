"""From ``alerts.on_long_duration`` to Airflow's deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from airflow_provider_gimme.operators.receiver import Receiver

if TYPE_CHECKING:
    from airflow_provider_gimme.plan import Plan

__all__ = ["build_deadline"]

_CALLBACK = "airflow_provider_gimme.operators.long_run.tell_long_run"


def build_deadline(plan: Plan) -> DeadlineAlert | None:
    """Return the deadline after which a run that still runs is told of; None where the file does not want that."""
    after = plan.workflow.monitoring.alerts.on_long_duration
    receiver = Receiver.of(plan.workflow, plan.file)
    if after is None or receiver is None:
        return None
    arguments = {"receiver": receiver.to_json(), "after_seconds": after.total_seconds()}
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=after, callback=AsyncCallback(_CALLBACK, arguments)
    )
