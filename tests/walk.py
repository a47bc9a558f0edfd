"""Walk through a plan without Airflow: each step once, in order, against a live API.

It shows that a workflow's file says what it means: what its steps send and how their outputs fit together. It knows
nothing of retries, pools or clocks.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow_provider_gimme.expressions import GroupResult, Scope, StepResult
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.multipart import FileBody, Multipart
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.plan import Plan, StepPlan
from airflow_provider_gimme.plan.call import CallWork
from airflow_provider_gimme.steps.fail.plan import FailWork
from airflow_provider_gimme.steps.transform.plan import TransformWork

__all__ = ["walk"]

_FAILED = frozenset({"failed", "upstream_failed"})


def walk(plan: Plan, environment: Mapping[str, str], **inputs: Any) -> dict[str, StepResult]:
    """Do every step of a plan and return how each ended; inputs have the defaults of their schema."""
    properties = (plan.input_schema or {}).get("properties", {})
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    results: dict[str, StepResult] = {}
    for step in plan.steps:
        scope = Scope({**defaults, **inputs}, plan.variables, _seen(plan, results), secret=environment.__getitem__)
        results[step.task_id] = _do(step, scope, [results[name].status for name in step.upstream])
    return results


def _seen(plan: Plan, results: Mapping[str, StepResult]) -> dict[str, StepResult | GroupResult]:
    known = {step.task_id: results.get(step.task_id, StepResult()) for step in plan.steps}
    groups = {group.name: GroupResult({name: known[name] for name in group.members}) for group in plan.groups}
    return {**known, **groups}


def _do(step: StepPlan, scope: Scope, before: list[str | None]) -> StepResult:
    failed = any(status in _FAILED for status in before)
    if step.run_on == "success" and failed:
        return StepResult(status="upstream_failed")
    if (step.run_on == "failure" and not failed) or (step.condition and not step.condition.evaluate(scope)):
        return StepResult(status="skipped")
    try:
        return StepResult(_output(step, scope), "success")
    except _Failure as failure:
        return StepResult(status="tolerated" if step.tolerated else "failed", error=str(failure))


class _Failure(Exception):  # noqa: N818 - it says how a step ended
    """A step has failed."""


def _output(step: StepPlan, scope: Scope) -> Any:
    work = step.work
    if isinstance(work, TransformWork):
        return work.evaluate(scope)
    if isinstance(work, FailWork):
        raise _Failure(work.message(scope))
    assert isinstance(work, CallWork)
    assert work.service.api_base is not None
    request = work.render(scope, work.service.api_base.evaluate(scope), work.key(scope, f"key-of-{step.task_id}"))
    response = _send(request, scope)
    if not work.accepts(response.status):
        raise _Failure(f"{response.status} {response.text()}")
    return work.output(scope, response)


def _send(request: Request, scope: Scope) -> Response:
    url = urlsplit(request.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    target = url.path + (f"?{urlencode(request.query)}" if request.query else "")
    token = {"Authorization": f"Bearer {scope.secret('DERIVATIV_API_KEY')}"}
    assert not isinstance(request.body, Multipart | FileBody)
    try:
        connection.request(request.method, target, request.body, {**token, **request.headers})
        answer = connection.getresponse()
        return Response(answer.status, Headers(dict(answer.getheaders())), answer.read(), request.url, timedelta(0))
    finally:
        connection.close()
