"""Jobs as a trigger sees them: planned from a file, rendered but for their secrets, polled at a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.retry import RetryRules
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.steps.job.plan import JobWork
from airflow_provider_gimme.triggers.ask import Ask
from airflow_provider_gimme.triggers.watch import Conditions, PollTerms, Watch
from tests.operators.api import Api, serve_api

TOKEN = 'tok/en +1&"x"-0123456789'
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def api() -> Iterator[Api]:
    """Serve an API."""
    with serve_api() as served:
        yield served


def secrets(**more: str) -> Secrets:
    """Return secrets that are given here."""
    values = {"TOKEN": TOKEN, "API_KEY": "api-key-0123456789", **more}
    return Secrets(Redactor(), ("*",), values, lambda _: None, lambda _: None)


def job(base: str, text: str) -> JobWork:
    """Return the job of a file whose one step has these keys under ``job``."""
    head = f"name: w\napi_base: {base}\nauth: {{type: bearer, token: '${{API_KEY}}'}}\n"
    lines = "".join(f"      {line}\n" for line in text.strip().splitlines())
    step = f"steps:\n  - name: a\n    type: job\n    endpoint: /jobs\n    job:\n      id: $.id\n{lines}"
    work = plan_text(f"{head}{step}", "w.yaml").by_id["a"].work
    assert isinstance(work, JobWork)
    return work


def scope_of(response: Any, given: Secrets | None = None, job_id: Any = 7) -> Scope:
    """Return the scope of calls about a job."""
    known = {"id": job_id, "response": response}
    return Scope(secret=given or secrets()).with_extra(job=known).with_root(response)


MakeWatch = Callable[..., Watch]


@pytest.fixture
def make_watch(api: Api) -> MakeWatch:
    """Return what makes the watch of a job; ``begin`` and ``deadline`` are seconds from now."""

    def make(text: str, begin: float = 0, deadline: float = 60, **rules: Any) -> Watch:
        work = job(api.url, text)
        scope = scope_of({"id": 7})
        now = datetime.now(UTC)
        return Watch(
            file="w.yaml",
            dag_id="w",
            run_id="r",
            task_id="a",
            series="series-key",
            poll=Ask.of(work.poll, scope, None, lambda request: request),
            cancel=None if work.cancel is None else Ask.of(work.cancel, scope, "cancel-key", lambda request: request),
            conditions=Conditions(
                work.done_when.source,
                work.fail_when.source if work.fail_when else None,
                work.progress.source if work.progress else None,
                {"n": 3},
                {},
                functions=False,
            ),
            terms=PollTerms(
                work.rhythm,
                RetryRules(**{"delay": timedelta(milliseconds=5), **rules}),
                timedelta(seconds=5),
                work.poll.call.statuses,
            ),
            begin=now + timedelta(seconds=begin),
            deadline=now + timedelta(seconds=deadline),
        )

    return make
