"""What the expressions of a task are evaluated over, read from Airflow: only what the plan says they read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.expressions import GroupResult, SavedItems, Scope, StepResult
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.operators.failure import ANSWERED_BY_KEY, FAILED_KEY
from airflow_provider_gimme.operators.sensitive import Opened, is_sensitive, never_opened
from airflow_provider_gimme.operators.verdict import status_of
from airflow_provider_gimme.plan.saved import is_saved

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["opened_list", "read_results", "read_scope"]

_HAS_MARK = frozenset({"skipped"})
_HAS_ERROR = frozenset({"failed", "tolerated"})


def read_scope(
    run: TaskRun,
    reads: Collection[str],
    secret: Callable[[str], str],
    attempt: int = 1,
    opened: Opened = never_opened,
) -> Scope:
    """Return the scope of a task: the results of the steps in ``reads``, inputs, variables, the run.

    ``opened`` gives what the task sees of sensitive outputs; without it that is ``***``.
    """
    plan = run.plan
    results = read_results(run, reads, opened)
    return Scope(
        inputs=run.inputs,
        variables=plan.variables,
        steps={**results, **_groups(plan.groups, results)},
        outputs={key: results[step].output for key, step in plan.output_keys.items() if step in results},
        run=run.info(attempt),
        provider_id=plan.workflow.provider_id,
        secret=secret,
    )


def read_results(run: TaskRun, task_ids: Collection[str], opened: Opened = never_opened) -> dict[str, StepResult]:
    """Return what is known of tasks: output, status and error, by task id."""
    states = run.states(task_ids)
    return {task_id: _result(run, task_id, states.get(task_id), opened) for task_id in sorted(task_ids)}


def _result(run: TaskRun, task_id: str, state: str | None, opened: Opened) -> StepResult:
    status = status_of(state, run.mark_of(task_id) if state in _HAS_MARK else None)
    output = run.pull(task_id) if status == "success" else None
    if output is not None and is_sensitive(run.plan, task_id):
        output = opened(task_id, output)
    else:
        output = opened_list(run, output)
    error = run.error_of(task_id) if status in _HAS_ERROR else None
    answered_by = _answered_by(run, task_id) if status == "success" else None
    return StepResult(output, status, error, _failed(run, task_id, status), answered_by)


def _failed(run: TaskRun, task_id: str, status: str | None) -> Any:
    """Return the items of a step that failed; None where it has none, or has not ended."""
    step = run.plan.by_id.get(task_id)
    if status not in {"success", *_HAS_ERROR} or step is None or getattr(step.work, "each", None) is None:
        return None
    return opened_list(run, run.pull(task_id, FAILED_KEY))


def opened_list(run: TaskRun, value: Any) -> Any:
    """Return a value of a run; the reference to a list that is kept in a file becomes that list, read as it is used."""
    if not is_saved(value) or not isinstance(value.get("items"), int):
        return value
    return SavedItems(value, partial(Storage.of(run.dag_id).lines, value))


def _answered_by(run: TaskRun, task_id: str) -> int:
    step = run.plan.by_id.get(task_id)
    return 0 if step is None or not step.fallback else int(run.pull(task_id, ANSWERED_BY_KEY) or 0)


def _groups(groups: Iterable[Any], results: Mapping[str, StepResult]) -> dict[str, GroupResult]:
    """Return the groups of which any member was read; one that is named by a member alone has only that."""
    found: dict[str, GroupResult] = {}
    for group in groups:
        read = {member: results[member] for member in group.members if member in results}
        if read:
            found[group.name] = GroupResult(read, tuple(member for member in group.members if member not in read))
    return found
