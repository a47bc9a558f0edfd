"""``gimme render``: the request of a step as it would be sent."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.cli.reading import read_plan
from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.errors import ExpressionError, GimmeError
from airflow_provider_gimme.expressions import GroupResult, Scope, StepResult
from airflow_provider_gimme.http.multipart import show_content
from airflow_provider_gimme.operators.headers import with_run
from airflow_provider_gimme.operators.inputs_schema import effective_inputs
from airflow_provider_gimme.plan.compensation import UNDO
from airflow_provider_gimme.plan.keys import idempotency_key

if TYPE_CHECKING:
    from airflow_provider_gimme.http.request import Request
    from airflow_provider_gimme.plan import Plan, StepPlan
    from airflow_provider_gimme.plan.call import CallWork

__all__ = ["render_request", "run"]

_NO_BASE = "https://connection.invalid"
"""What a login lies under where an Airflow connection gives the base; it is not shown."""
_RESUME_URL = "https://airflow.example/gimme/api/v1/resume/<token>"
_RUN_ID = "manual__render"


def run(options: Namespace) -> int:
    """Print the request of a step, or the value of a transform."""
    plan = read_plan(options)
    step = plan.by_id.get(options.step)
    if step is None:
        near = did_you_mean(options.step, plan.by_id)
        raise GimmeError(f"no step is called '{options.step}'.{near} Steps: {', '.join(plan.by_id)}.")
    try:
        scope = _scope(plan, _data(options.data))
        undone = scope.steps.get(step.task_id.removeprefix(UNDO)) if step.task_id.startswith(UNDO) else None
        _show(plan, step, scope if undone is None else scope.with_extra(output=undone.output))
    except ExpressionError as error:
        if options.data is not None:
            raise
        hint = (
            "Without --data there are no inputs and no outputs of earlier steps; write them into a YAML file, "
            "'inputs' and 'steps' (step name to its output), and name it: --data FILE."
        )
        raise GimmeError(f"{str(error).removesuffix('.')}. {hint}") from None
    return 0


def _show(plan: Plan, step: StepPlan, scope: Scope) -> None:
    if step.type in {"api_call", "job"}:
        print("\n".join(_lines(render_request(plan, step, scope))))
    else:
        value = getattr(step.work, "evaluate", getattr(step.work, "message", None))
        print(
            json.dumps(value(scope), indent=2, ensure_ascii=False) if value else f"a {step.type} step makes no request"
        )


def _data(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    import yaml

    data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(data, dict) or not set(data) <= {"inputs", "steps", "state"}:
        raise GimmeError(f"{path}: write a map with 'inputs' and 'steps' (step name to its output), and 'state'")
    return data


def _scope(plan: Plan, data: Mapping[str, Any]) -> Scope:
    outputs = data.get("steps") or {}
    unknown = sorted(set(outputs) - set(plan.by_id))
    if unknown:
        raise GimmeError(f"no step is called '{unknown[0]}'.{did_you_mean(unknown[0], plan.by_id)}")
    names = [step.task_id for step in plan.steps]
    steps = {name: StepResult(outputs.get(name), "success" if name in outputs else None) for name in names}
    groups = {group.name: GroupResult({name: steps[name] for name in group.members}) for group in plan.groups}
    now = datetime.now(plan.timezone).isoformat()
    return Scope(
        inputs=effective_inputs(plan.input_schema, data.get("inputs") or {}),
        variables=plan.variables,
        steps={**steps, **groups},
        outputs={key: outputs.get(name) for key, name in plan.output_keys.items()},
        run={"id": _RUN_ID, "time": now, "window": {"start": now, "end": now}, "scheduled": False, "attempt": 1},
        provider_id=plan.workflow.provider_id,
        extra={
            "state": {name: (data.get("state") or {}).get(name) for name in plan.state.values},
            "resume_urls": {name: _RESUME_URL for step in plan.steps for name in step.resumes},
        },
        secret=lambda name: f"${name}",
    )


def render_request(plan: Plan, step: StepPlan, scope: Scope) -> Request:
    """Return the request of a step, of a job its submit, with its credentials, secrets as ``$NAME``."""
    made: Any = step.work
    work: CallWork = getattr(made, "submit", made)
    service = work.service
    base = service.api_base.evaluate(scope) if service.api_base else f"connection://{service.connection or 'none'}"
    pages, known = work.pages, scope if work.pages is None else scope.with_extra(page=work.pages.first_number)
    if work.each is not None:
        known = work.each.first(scope)
    key = work.key(known, idempotency_key(plan.dag_id, _RUN_ID, step.task_id, 0))
    written = work.render(known, base, key)
    request = with_run(written if pages is None else pages.first(written), _RUN_ID, scheduled=False)
    if service.auth is None or service.auth.connection is not None:
        return request
    return service.auth.resolve(scope, base if base.startswith("http") else _NO_BASE).sketch(request)


def _lines(request: Request) -> Iterator[str]:
    from urllib.parse import urlencode

    query = f"{'&' if '?' in request.url else '?'}{urlencode(request.query)}" if request.query else ""
    yield f"{request.method} {request.url}{query}"
    yield from (f"{name}: {value}" for name, value in request.headers.items())
    if request.body is not None:
        yield ""
        yield _pretty(show_content(request.body))


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
