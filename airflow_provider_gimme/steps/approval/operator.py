"""The task of an ``approval`` step: it asks on Airflow's page, leaves the worker, and goes on with the answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.triggers.hitl import HITLTrigger
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from airflow_provider_gimme.config.scalars import format_duration
from airflow_provider_gimme.errors import ApprovalError, GimmeError
from airflow_provider_gimme.operators.run import TaskRun
from airflow_provider_gimme.operators.step import StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.steps.approval.plan import ApprovalWork

__all__ = ["StepOperator"]

_LOOK_SECONDS = 1.0
"""How often the triggerer looks for an answer."""

_ASKED = "asked"
"""The key of the task's state that holds since when the question of a series is asked."""

_ANSWER = "answer"
"""The key of the task's state that holds the answer of a series, so that nobody is asked twice after a crash."""


class StepOperator(StepTask):
    """Ask a person and wait for the answer.

    Airflow parks the task (state ``awaiting_input``) without a worker or a trigger; its API resumes it with the answer,
    its scheduler when the time is over.
    """

    custom_operator_name = "approval"
    ui_color = "#fde2c8"

    def perform(self, run: TaskRun, scope: Scope) -> Any:
        """Ask, and leave the worker; with an answer of an earlier try return that."""
        known = run.store.get(_ANSWER)
        if known is not None and known["max_tries"] == run.max_tries:
            return self._judged(known["output"])
        asked, now = run.store.get(_ASKED), datetime.now(UTC)
        if asked is not None and asked["max_tries"] == run.max_tries:
            self._look_again(run, self._time_left(run, now - datetime.fromisoformat(asked["at"])))
        self._ask(run, scope)
        run.store.set(_ASKED, {"max_tries": run.max_tries, "at": now.isoformat()})
        raise TaskAwaitingInput(method_name="answered", timeout=run.time_left(self.step.timeout))

    def _ask(self, run: TaskRun, scope: Scope) -> None:
        """Put the question on Airflow's page."""
        work = self._work
        upsert_hitl_detail(
            ti_id=run.ti.id,
            options=list(work.options),
            subject=self._shown(work.message.evaluate(scope)),
            body=None if work.details is None else self._shown(work.details.evaluate(scope)),
            defaults=list(work.defaults) or None,
            multiple=work.multiple,
            params=self._fields(),
            assigned_users=[{"id": user, "name": user} for user in work.assigned_to],
        )
        self.log.info("Waiting for an answer: %s", " or ".join(work.options))

    def _look_again(self, run: TaskRun, limit: timedelta | None) -> None:
        """Wait in the triggerer for the answer to a question that was asked before a try died.

        To ask anew would remove an answer that has come since.
        """
        work = self._work
        self.log.info("The question was asked before; waiting for its answer")
        trigger = HITLTrigger(
            ti_id=run.ti.id,
            options=list(work.options),
            params=self._fields(),
            defaults=list(work.defaults) or None,
            multiple=work.multiple,
            timeout_datetime=None if limit is None else datetime.now(UTC) + limit,
            poke_interval=_LOOK_SECONDS,
        )
        self.defer(trigger=trigger, method_name="answered")

    def _fields(self) -> dict[str, dict[str, Any]]:
        return {name: _field(name, schema) for name, schema in self._work.form.items()}

    def answered(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on with the answer, or without one when the time is over."""
        run = TaskRun.of(context, self.plan)
        try:
            self.begin(run)
            if event.get("error_type") == "validation":
                raise ApprovalError(f"the answer does not fit its form: {event['error']}. Clear the task to ask anew.")
            if "error" in event:
                run.time_left()
                limit = "" if self.step.timeout is None else f" within {format_duration(self.step.timeout)}"
                raise ApprovalError(f"nobody answered{limit}, and there is no 'default'")
            return self.keep(self._judged(self._learn(run, event)))
        except GimmeError as error:
            self._end(run, error)

    def _learn(self, run: TaskRun, event: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an answer for all tries of the series, and return it as later steps see it."""
        output = _output(event)
        run.store.set(_ANSWER, {"max_tries": run.max_tries, "output": output})
        self.log.info("The answer is %s, by %s", ", ".join(output["options"]), (output["by"] or {}).get("name"))
        return output

    def _time_left(self, run: TaskRun, waited: timedelta) -> timedelta | None:
        """Return how long the answer is still waited for; a try after a crash does not begin anew."""
        limit = self.step.timeout
        return run.time_left(None if limit is None else max(limit - waited, timedelta(seconds=1)))

    @property
    def _work(self) -> ApprovalWork:
        work: ApprovalWork = self.step.work  # type: ignore[assignment]
        return work

    def _shown(self, text: str) -> str:
        """Return a text as people may see it: without what is sensitive."""
        shown: str = text if self.sensitive is None else self.sensitive.without(text)
        return shown

    def _judged(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return an answer; one that rejects, or that does not fill in the form, is an error."""
        refused = [option for option in output["options"] if option in self._work.refusals]
        if refused:
            who = "by the default, when the time was over" if output["timed_out"] else f"by {_name(output['by'])}"
            raise ApprovalError(f"it was answered with '{refused[0]}' {who}")
        _check_form(self._work.form, output["form"])
        return output


def _field(name: str, schema: Any) -> dict[str, Any]:
    """Return a field as Airflow's page draws it: like a param of the trigger form."""
    from airflow.sdk import Param

    part = dict(schema)
    part.setdefault("title", name)
    description = part.pop("description", None)
    return Param(part.pop("default", None), description, schema=part).serialize()


def _output(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as later steps see it."""
    chosen, at, by = list(event["chosen_options"]), event["responded_at"], event["responded_by_user"]
    return {
        "option": chosen[0] if chosen else None,
        "options": chosen,
        "form": dict(event["params_input"] or {}),
        "by": None if by is None else {"id": by["id"], "name": by["name"]},
        "at": at if isinstance(at, str) else at.isoformat(),
        "timed_out": bool(event.get("timedout")),
    }


def _check_form(form: Mapping[str, Any], filled: Mapping[str, Any]) -> None:
    from airflow_provider_gimme.plan.json_schema import validator_of

    for name, schema in form.items():
        fault = next(iter(validator_of(schema).iter_errors(filled.get(name, schema.get("default")))), None)
        if fault is not None:
            raise ApprovalError(
                f"the field '{name}' of the answer does not fit: {fault.message}. Clear the task to ask anew."
            )


def _name(user: Mapping[str, Any] | None) -> str:
    return "somebody" if user is None else str(user["name"])
