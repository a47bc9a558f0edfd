"""The task ``notify``: tells how the run ended, once, by webhook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.http.retry import RetryRules
from airflow_provider_gimme.operators.base import tries
from airflow_provider_gimme.operators.call import Call
from airflow_provider_gimme.operators.calling import CallingTask
from airflow_provider_gimme.operators.ending import read_ending
from airflow_provider_gimme.operators.fields import NOTIFY
from airflow_provider_gimme.operators.headers import with_run
from airflow_provider_gimme.operators.receiver import Receiver
from airflow_provider_gimme.operators.result import read_result
from airflow_provider_gimme.operators.shown import show_request
from airflow_provider_gimme.operators.webhook import Event
from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.ending import Ending
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.plan import Plan

__all__ = ["DELIVERY_LIMIT", "DELIVERY_RULES", "NotifyOperator", "accepts_delivery", "event_of", "wants"]

DELIVERY_RULES = RetryRules(limit=3)
"""A delivery is tried again for all that calls are: its id tells a receiver that has it already."""

DELIVERY_LIMIT = timedelta(seconds=30)
"""The limit of one attempt of a delivery."""


def wants(plan: Plan, state: str) -> bool:
    """Say whether the file wants to be told of a run that ended so."""
    alerts = plan.workflow.monitoring.alerts
    wanted = {"failed": alerts.on_failure, "succeeded": alerts.on_success, "tolerated": alerts.on_error_tolerated}
    return wanted[state]


def accepts_delivery(status: int) -> bool:
    """Say whether a receiver took a delivery: any 2xx."""
    return 200 <= status < 300


class NotifyOperator(CallingTask):
    """Deliver the end of the run to the file's ``webhook_url``.

    A delivery that fails shows on this task, and does not fail the run.
    """

    custom_operator_name = "notify"
    ui_color = "#f2f2f2"

    def __init__(self, *, plan: Plan, **kwargs: Any) -> None:
        """Make the task of a plan that has a receiver."""
        super().__init__(plan=plan, **tries(DELIVERY_RULES.limit, delay=DELIVERY_RULES.delay), **kwargs)

    def work(self, run: TaskRun) -> Any:
        """Make one attempt of the delivery, where the file wants one."""
        receiver = Receiver.of(self.plan.workflow, self.plan.file)
        ending = read_ending(run)
        if receiver is None or not wants(self.plan, ending.verdict.state):
            self.skip(run, "alerts", f"the file does not want to be told of a run that has {ending.verdict.state}")
        self.call = call = Call.load(run, DELIVERY_RULES, self.engine, self.redactor, self.log)
        url, secret, target = receiver.resolve(Secrets.of_file(self.plan.file, self.redactor))
        event = event_of(run, ending)
        request = with_run(event.request(url, secret), run.run_id, scheduled=run.scheduled)
        self.request = show_request(request, self.redactor)
        response = call.send(request, target, accepts_delivery, DELIVERY_LIMIT, DELIVERY_LIMIT)
        return {"type": event.type, "id": event.id, "status": response.status}


def event_of(run: TaskRun, ending: Ending) -> Event:
    """Return the event that tells how a run ended."""
    key = idempotency_key(run.dag_id, run.run_id, NOTIFY, run.max_tries)
    now = datetime.now(UTC)
    data = {
        "workflow": run.dag_id,
        "run_id": run.run_id,
        "started": run.began.isoformat(),
        "ended": now.isoformat(),
        "outputs": read_result(run),
        "steps": ending.steps(),
    }
    if ending.compensation is not None:
        data["compensation"] = ending.compensation.to_json()
    return Event(f"msg_{key}", f"run.{ending.verdict.state}", now, data)
