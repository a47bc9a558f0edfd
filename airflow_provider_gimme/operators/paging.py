"""The work of a step with ``paginate``, as one attempt of its task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import CallTimeoutError, GimmeError, StatusError
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.hooks.target import find_target
from airflow_provider_gimme.http.calling import Terms
from airflow_provider_gimme.operators.attempts import AttemptRecord
from airflow_provider_gimme.operators.journal import Codec, Journal
from airflow_provider_gimme.operators.large import StoredParts
from airflow_provider_gimme.operators.pages import JOURNAL, PagesReader
from airflow_provider_gimme.operators.sealed import sealing_codec
from airflow_provider_gimme.operators.shown import show_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.http.redaction import Redactor
    from airflow_provider_gimme.operators.call import Call
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.operators.step import StepTask
    from airflow_provider_gimme.plan.call import CallWork

__all__ = ["page_codec", "read_pages"]


def read_pages(
    task: StepTask,
    call: Call,
    run: TaskRun,
    scope: Scope,
    work: CallWork,
    *,
    show: Callable[[dict[str, Any]], None],
) -> Any:
    """Read the pages of a step from where an earlier process stopped, and return the step's output.

    ``call`` counts the attempt, which is one for all pages; ``show`` gets the request that was made last.

    :raises GimmeError: which no other attempt of the task can mend: each page had its own.
    """
    reader = _reader(task, run, scope, work, _journal_of(call))
    attempts = call.attempts.begin()
    try:
        output = task.engine.run(reader.read(), run.time_left(task.step.timeout))
    except GimmeError as error:
        status = error.status if isinstance(error, StatusError) else None
        call.attempts = attempts.end(AttemptRecord(status, reason=f"failed after {_how_far(reader)}"), failed=True)
        if isinstance(error, CallTimeoutError):
            run.time_left()  # raises the run's own error where it is the run's time that is up
        raise
    finally:
        if reader.sent is not None:
            show(show_request(reader.sent, task.redactor))
    call.attempts = attempts.end(AttemptRecord(reason=f"done: {_how_far(reader)}"), failed=False)
    return output


def _journal_of(call: Call) -> str:
    """Return the name of the journal: pages of one API are none of the next one's in a fallback."""
    return f"{JOURNAL}.{call.attempts.entry}" if call.attempts.entry else JOURNAL


def _reader(task: StepTask, run: TaskRun, scope: Scope, work: CallWork, name: str) -> PagesReader:
    if work.pages is None:
        raise RuntimeError("only a step with 'paginate' reads pages")
    step, storage = task.step, Storage.of(run.dag_id)
    codec = page_codec(run, task.redactor, sensitive=step.config.sensitive)
    learn = task.sensitive.learn if step.config.sensitive and task.sensitive is not None else None
    return PagesReader(
        run=run,
        work=work,
        pages=work.pages,
        scope=scope,
        target=find_target(work.service, scope, task.secrets),
        terms=Terms(
            step.retry,
            work.accepts,
            timeout=step.attempt_timeout,
            limit=step.attempt_limit,
            read_timeout=work.read_timeout,
        ),
        journal=Journal(run.store, name, run.max_tries, parts=StoredParts(storage, run, name), codec=codec),
        storage=storage,
        redactor=task.redactor,
        log=task.log,
        learn=learn,
    )


def page_codec(run: TaskRun, redactor: Redactor, *, sensitive: bool) -> Codec:
    """Return how pages are recorded: sealed where the output is sensitive, or a link to a page holds a secret."""

    def is_secret(record: Any) -> bool:
        return sensitive or redactor.hides(json.dumps([record["mark"], record["next"]], ensure_ascii=False))

    return sealing_codec(run, is_secret)


def _how_far(reader: PagesReader) -> str:
    return f"{len(reader.journal)} pages, {reader.count} items"
