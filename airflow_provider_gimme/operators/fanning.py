"""The work of a step with ``for_each``, as one attempt of its task."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_gimme.errors import CallTimeoutError, GimmeError
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.hooks.target import find_target
from airflow_provider_gimme.http.calling import Terms
from airflow_provider_gimme.operators.attempts import AttemptRecord
from airflow_provider_gimme.operators.failure import FAILED_KEY
from airflow_provider_gimme.operators.fan_out import Entry, FanOut
from airflow_provider_gimme.operators.items import Items
from airflow_provider_gimme.operators.journal import Codec, Journal
from airflow_provider_gimme.operators.keeping import Keeper
from airflow_provider_gimme.operators.large import LARGE_CHARACTERS, StoredParts, own_path, save_items, save_lines
from airflow_provider_gimme.operators.ledger import Ledger
from airflow_provider_gimme.operators.outputs import Outputs
from airflow_provider_gimme.operators.progress import Progress
from airflow_provider_gimme.operators.sealed import sealing_codec
from airflow_provider_gimme.operators.series import Series
from airflow_provider_gimme.operators.shown import show_request
from airflow_provider_gimme.operators.undo_items import Mirror
from airflow_provider_gimme.operators.undoing import undone_series
from airflow_provider_gimme.plan.fallback import ValueWork
from airflow_provider_gimme.plan.saved import check_saved_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.call import Call
    from airflow_provider_gimme.operators.run import TaskRun
    from airflow_provider_gimme.operators.step import StepTask
    from airflow_provider_gimme.plan import StepPlan
    from airflow_provider_gimme.plan.for_each import ItemsPlan

__all__ = ["JOURNAL", "call_items", "finish", "item_codec"]

JOURNAL = "items"
"""The name of the journal of items."""

_ANY = 2**62
"""A sensitive list is kept nowhere but in Airflow, encrypted, however long it is."""

_LARGE_FAILED = 50_000
"""A list of failed items that is longer as JSON is kept in the storage."""


def call_items(
    task: StepTask,
    call: Call,
    run: TaskRun,
    scope: Scope,
    plan: ItemsPlan,
    *,
    show: Callable[[dict[str, Any]], None],
) -> Any:
    """Call for the items of a step that were not called for yet, and return the step's output.

    ``call`` counts the attempt, which is one for all items; ``show`` gets the request that was made last.

    :raises GimmeError: which no other attempt of the task can mend: each item had its own.
    """
    step = task.plan.by_id[task.step.task_id]
    series = Series.load(run.store, run.max_tries, undone=undone_series(run, step), fixed=task.fixed_tries)
    if series.finished is not None and series.finished["output"] is not None:
        run.push(FAILED_KEY, series.finished["failed"])
        return series.finished["output"]
    fan_out = _fan_out(task, run, scope, plan, series)
    attempts = call.attempts.begin()
    try:
        output = task.engine.run(finish(fan_out), run.time_left(task.step.timeout))
    except GimmeError as error:
        call.attempts = attempts.end(AttemptRecord(reason=f"failed: {_how_far(fan_out)}"), failed=True)
        if isinstance(error, CallTimeoutError):
            run.time_left()  # raises the run's own error where it is the run's time that is up
        raise
    finally:
        fan_out.ledger.outputs.close()
        if fan_out.sent is not None:
            show(show_request(fan_out.sent, task.redactor))
    call.attempts = attempts.end(AttemptRecord(reason=f"done: {_how_far(fan_out)}"), failed=False)
    return output


async def finish(fan_out: FanOut) -> Any:
    """Call for all items, tell which failed, and return the output.

    :raises GimmeError: as :meth:`FanOut.call_all` does.
    """
    try:
        await fan_out.call_all()
    except GimmeError:
        await _failed(fan_out)
        raise
    failed = await _failed(fan_out)
    output = await _output(fan_out)
    journal = fan_out.ledger.journal
    parts = journal.has_parts
    fan_out.ledger.series.finish(output if parts else None, failed if parts else None)
    if parts and fan_out.announce is None:  # what could be undone is needed on
        await asyncio.to_thread(journal.discard)
    return output


async def _failed(fan_out: FanOut) -> Any:
    """Tell which items failed, as a list or as a file."""
    failed: Any = fan_out.ledger.failures()
    if len(json.dumps(failed)) > _LARGE_FAILED:
        failed = await save_items(fan_out.storage, own_path(fan_out.run, "failed.jsonl"), failed)
    fan_out.run.push(FAILED_KEY, failed)
    return failed


async def _output(fan_out: FanOut) -> Any:
    """Return the list of outputs, or the reference to it."""
    save_to, outputs = fan_out.plan.save_to, fan_out.ledger.outputs
    lines = outputs.lines(batches=fan_out.plan.batch_size is not None)
    fan_out.log.info("All items were called for: %s", _how_far(fan_out))
    if save_to is None and not outputs.are_many:
        return [msgspec.json.decode(line) for line in lines]
    own = own_path(fan_out.run, "outputs.jsonl")
    path = own if save_to is None else check_saved_path(save_to.evaluate(fan_out.scope))
    return await save_lines(fan_out.storage, path, lines)


def _fan_out(task: StepTask, run: TaskRun, scope: Scope, plan: ItemsPlan, series: Series) -> FanOut:
    step, storage = task.plan.by_id[task.step.task_id], Storage.of(run.dag_id)
    items = Items(plan.items.evaluate(scope), storage, plan.batch_size)
    sensitive = step.config.sensitive
    parts = StoredParts(storage, run, JOURNAL, series.first)
    mirror = None if step.compensation is None else Mirror(run, JOURNAL, series.first)
    if mirror is not None:
        mirror.renew()
    codec = item_codec(run, sensitive=sensitive)
    journal = Journal(mirror or run.store, JOURNAL, series.first, parts=parts, codec=codec)
    progress, outputs = Progress(items.total), Outputs(_ANY if sensitive else LARGE_CHARACTERS)
    entries = tuple(_entry(task, each, scope) for each in step.entries)

    def secrets() -> frozenset[str]:
        known = frozenset(task.sensitive.texts if task.sensitive is not None and not sensitive else ())
        return known.union(*(entry.target.credentials for entry in entries if entry.target is not None))

    return FanOut(
        run=run,
        plan=plan,
        entries=entries,
        scope=scope,
        items=items,
        ledger=Ledger(journal, series, progress, outputs),
        keeper=Keeper(journal, run.store, progress, task.log, task.engine.stop),
        storage=storage,
        redactor=task.redactor,
        log=task.log,
        secrets=secrets,
        announce=None if mirror is None else mirror.begin,
    )


def _entry(task: StepTask, step: StepPlan, scope: Scope) -> Entry:
    work: Any = step.work
    if isinstance(work, ValueWork):
        return Entry(work, Terms())
    terms = Terms(
        step.retry,
        work.accepts,
        timeout=step.attempt_timeout,
        limit=step.attempt_limit,
        read_timeout=work.read_timeout,
    )
    return Entry(work, terms, find_target(work.service, scope, task.secrets))


def item_codec(run: TaskRun, *, sensitive: bool) -> Codec:
    """Return how records, which are lines of JSON already, are kept: sealed where the output is sensitive."""
    if not sensitive:
        return Codec(str, json.loads)
    sealed = sealing_codec(run, lambda _record: True)
    return Codec(lambda line: sealed.encode(json.loads(line)), sealed.decode)


def _how_far(fan_out: FanOut) -> str:
    progress = fan_out.ledger.progress
    total = "" if progress.total is None else f" of {progress.total}"
    return f"{progress.done}{total} items done, {progress.failed} failed"
