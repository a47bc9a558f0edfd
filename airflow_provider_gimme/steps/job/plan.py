"""What a ``job`` step means."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.config.call import Call, Idempotency
from airflow_provider_gimme.config.expect import Expect
from airflow_provider_gimme.config.fallback import Fallback
from airflow_provider_gimme.config.retry import Backoff
from airflow_provider_gimme.plan.call import CallWork, plan_call
from airflow_provider_gimme.steps.job.config import Cancel, Fetch, Job, Poll

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.services import ServicePlan
    from airflow_provider_gimme.steps.job.config import Asked, StepConfig

__all__ = ["AskWork", "JobWork", "Rhythm", "plan_work"]

_LONE = re.compile(r"\s*\{\{(?:(?!\}\}|\{\{).)*\}\}\s*", re.DOTALL)
_WHOLE_PATH = re.compile(r"\s*\$[.\[]")
_COVERS_ALL = re.compile(r"!=|\bnot\b|\bin\b")
_ANSWERS = re.compile(r"\b(?:job|response)\b")
_ELSEWHERE = {"step": "the output of a step", "output": "the output of a step", "run": "'run'"}
"""What the conditions of a poll may not read: they are asked in Airflow's triggerer, which has the answer alone."""


@dataclass(frozen=True)
class Rhythm:
    """How often a job is asked for its state."""

    every: timedelta
    backoff: Backoff
    max_every: timedelta

    def wait(self, polls: int) -> timedelta:
        """Return the wait after so many polls, from 1."""
        factors = {"constant": 1, "linear": polls, "exponential": 1 << min(polls - 1, 40)}
        factor = factors[self.backoff]
        return max(self.every, min(self.every * factor, self.max_every))


@dataclass(frozen=True)
class AskWork:
    """A call about a job, compiled."""

    call: CallWork
    link: Compiled[Any] | None
    """What gives the URL, where an answer does: a link, absolute or relative."""

    def find_link(self, scope: Scope) -> str | None:
        """Return the link where there is one to follow; the root of ``scope`` is the answer's body.

        :raises ExpressionError: where there should be one and is not.
        """
        return None if self.link is None else str(self.link.evaluate(scope))


@dataclass(frozen=True)
class JobWork:
    """One job, compiled."""

    submit: CallWork
    """The step's own call; its transform shapes the result."""
    id: Compiled[Any] | None
    """What the submit's answer calls the job, over its body."""
    poll: AskWork
    rhythm: Rhythm
    timeout: timedelta
    """How long the job may take, from the submit."""
    done_when: Compiled[bool]
    fail_when: Compiled[bool] | None
    progress: Compiled[Any] | None
    result: Compiled[Any] | None
    """The result over the last poll's answer."""
    fetch: AskWork | None
    """The call that fetches the result."""
    fetch_limit: timedelta
    """The limit of one attempt of it."""
    cancel: AskWork | None
    asks_submit: bool
    """Whether the submit's own answer may say already that the job is over."""
    keeps_response: bool
    """Whether a later call reads the submit's answer."""

    @property
    def longest(self) -> timedelta:
        """How long the step may take where it has no limit of its own: the wait, and one attempt at the result."""
        return self.timeout + self.fetch_limit

    def output(self, scope: Scope, answer: dict[str, Any]) -> Any:
        """Return the step's output from ``answer``: the last poll's or the fetched one (status, headers, body)."""
        body = answer["body"]
        if self.result is not None:
            body = self.result.evaluate(scope.with_extra(response=answer).with_root(body))
        if self.submit.transform is not None:
            return self.submit.transform.evaluate(scope.with_extra(response={**answer, "body": body}))
        return body if self.submit.output_map is None else self.submit.output_map.evaluate(scope.with_root(body))


def plan_work(config: StepConfig | Fallback, context: Context) -> JobWork:
    """Compile the expressions of a ``job`` step, or of one of its fallbacks; ``context`` stands there."""
    submit = plan_call(config, context)
    if config.save_to is not None:
        context.at("save_to").report("this would save the submit's answer. Write it in 'job.result', as a call.")
    if isinstance(config, Fallback):
        if config.paginate is not None:
            context.at("paginate").report("a submit has no pages. Remove it.")
        index = context.path[1]
        step: StepConfig = context.workflow.steps[int(index)]  # type: ignore[assignment]
        told = replace(context.root(), problems=[], references=[])  # the step has told all of it already
        return _plan_job(step, submit, told.at("steps", index, "job"))
    return _plan_job(config, submit, context.at("job"))


def _plan_job(config: StepConfig, submit: CallWork, place: Context) -> JobWork:
    """Compile what follows a submit; ``place`` stands at ``job``."""
    job, later = config.job, place.separate()
    poll, cancel = _ask(job.poll, later.at("poll"), submit.service), None
    if job.cancel is not None:
        cancel = _ask(job.cancel, later.at("cancel"), submit.service)
    _check_kept(later, config)
    _check_id(job, later)
    fetch = _ask(job.result, later.at("result"), submit.service) if isinstance(job.result, Fetch) else None
    result = place.at("result").compile("body_expression", job.result, "response", "job") if _is_text(job) else None
    reads_answer = _reads_answer(later) or (result is not None and _names(result, "job"))
    place.references.extend(later.references)
    if not _covered(job):
        _warn(place.at("poll"), job)
    done_when, fail_when, progress = _conditions(job, place)
    return JobWork(
        submit=submit,
        id=None if job.id is None else place.at("id").compile("body_expression", job.id, "response"),
        poll=poll,
        rhythm=Rhythm(job.poll.every, job.poll.backoff, job.poll.max_every),
        timeout=job.poll.timeout,
        done_when=done_when,
        fail_when=fail_when,
        progress=progress,
        result=result,
        fetch=fetch,
        fetch_limit=job.result.timeout if isinstance(job.result, Fetch) else timedelta(0),
        cancel=cancel,
        asks_submit=_over_body(job.done_when),
        keeps_response=reads_answer or any(_over_body(each.endpoint) for each in (job.poll, job.cancel) if each),
    )


def _ask(asked: Asked, place: Context, service: ServicePlan) -> AskWork:
    names = ("job", "response") if isinstance(asked, Fetch) else ("job",)
    link = _link(asked.endpoint, place, names)
    call = plan_call(
        _call_of(asked, linked=link is not None), place, *names, service=None if asked.service else service
    )
    return AskWork(call, link)


def _call_of(asked: Asked, *, linked: bool) -> Call:
    """Return a call about a job as the call it is: one key for a cancel, none for what only reads."""
    written = {name: getattr(asked, name) for name in asked.model_fields_set & Call.model_fields.keys()}
    if linked:
        written["endpoint"] = ""
    if isinstance(asked, Cancel):
        written.setdefault("method", "POST")
    more: dict[str, Any] = {"idempotency": Idempotency.model_construct() if isinstance(asked, Cancel) else False}
    if isinstance(asked, Poll):
        more["expect"] = Expect.model_construct(status=asked.status)
    return Call.model_construct(set(written), **written, **more)


def _link(endpoint: str, place: Context, names: tuple[str, ...]) -> Compiled[Any] | None:
    if _over_body(endpoint):
        return place.at("endpoint").compile("body_expression", endpoint, *names)
    if _LONE.fullmatch(endpoint) and _ANSWERS.search(endpoint):
        return place.at("endpoint").compile("expression", endpoint, *names)
    return None


def _over_body(text: str) -> bool:
    return _WHOLE_PATH.match(text) is not None


def _is_text(job: Job) -> bool:
    return isinstance(job.result, str)


def _names(compiled: Compiled[Any], name: str) -> bool:
    return any(reference.kind == "name" and reference.name == name for reference in compiled.references)


def _reads_answer(place: Context) -> bool:
    """Say whether what was compiled below a place reads more of ``job`` than its id."""
    return any(each.kind == "name" and each.name == "job" and each.member != "id" for _, each in place.references)


def _conditions(job: Job, place: Context) -> tuple[Compiled[bool], Compiled[bool] | None, Compiled[Any] | None]:
    there = place.separate()
    done = there.at("done_when").compile("body_condition", job.done_when, "response")
    failed = there.at("fail_when").compile("body_condition", job.fail_when, "response") if job.fail_when else None
    progress = there.at("progress").compile("body_expression", job.progress, "response") if job.progress else None
    for path, reference in there.references:
        is_state = reference.kind == "name" and reference.name == "state"
        elsewhere = "the state" if is_state else _ELSEWHERE.get(reference.kind)
        if elsewhere is not None:
            there.root().at(*path).report(
                f"{elsewhere} is not known here: a poll is judged by its answer ('$' or 'response'), "
                "'inputs' and 'variables'."
            )
    place.references.extend(there.references)
    return done, failed, progress


def _covered(job: Job) -> bool:
    return job.fail_when is not None or _COVERS_ALL.search(job.done_when) is not None


def _warn(place: Context, job: Job) -> None:
    place.report(
        f"a poll whose terminal states are not covered: only 'done_when' ({job.done_when}) ends it, so a job that "
        "fails is polled until 'timeout'. Write 'fail_when' for the states in which it has failed or was cancelled.",
        warning=True,
    )


def _check_id(job: Job, place: Context) -> None:
    if job.id is None and any(each.name == "job" and each.member == "id" for _, each in place.references):
        place.report("'job.id' is read, and nothing says what it is. Write 'id', as `$.job_id`.")


def _check_kept(place: Context, config: StepConfig) -> None:
    """Report what is secret and would be written down: in the task's state, in Airflow's table of triggers."""
    if config.sensitive and config.job.progress is not None:
        place.at("progress").report("the step is sensitive, and its progress would be shown. Remove it.")
    sensitive = [step for step in place.workflow.steps if step.sensitive]
    hidden = {name for step in sensitive for name in (step.task_id, step.parallel_group, step.output_key)}
    for path, reference in place.references:
        where = place.root().at(*path)
        if reference.kind in {"step", "output"} and reference.name in hidden:
            where.report(
                f"the output of '{reference.name}' is sensitive, and what polls or cancels a job is written into "
                "Airflow's database. Use 'auth', which is resolved when a call is made."
            )
        if config.sensitive and reference.kind == "name" and reference.name == "job" and reference.member != "id":
            where.report("the step is sensitive, so of the submit's answer only the id is kept: write job.id.")
