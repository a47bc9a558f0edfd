"""From a workflow to its Dag."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import DAG

from airflow_provider_gimme.build.deadline import build_deadline
from airflow_provider_gimme.build.docs import BROKEN_TAG, REMOVED_TAG, dag_docs
from airflow_provider_gimme.build.params import build_params
from airflow_provider_gimme.build.pools import pool_name
from airflow_provider_gimme.build.tasks import build_tasks
from airflow_provider_gimme.build.timetable import Schedule, build_schedule
from airflow_provider_gimme.errors import FunctionsError, WorkflowError
from airflow_provider_gimme.hooks.functions import read_site_functions
from airflow_provider_gimme.hooks.settings import read_flag, read_setting
from airflow_provider_gimme.loading.surroundings import Surroundings
from airflow_provider_gimme.operators.engine import seldom_collected
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.events import Bound, event_tag
from airflow_provider_gimme.plan.site import Site

if TYPE_CHECKING:
    from airflow_provider_gimme.plan import Plan

__all__ = ["build_dag", "build_workflow", "read_site"]

_log = logging.getLogger(__name__)

_TAG_LENGTH = 100


def build_workflow(
    text: str | bytes,
    *,
    file: str,
    environment: str | None = None,
    fingerprint: str | None = None,
    pools: Mapping[str, int] | None = None,
    note: str | None = None,
    scheduled: bool = True,
    bindings: Sequence[str] = (),
    around: Mapping[str, str] | Surroundings | None = None,
) -> DAG:
    """Build the Dag of a workflow's text; ``file`` names it in messages, ``environment`` picks an overlay.

    ``around`` are the files around it that may shape it, or just the texts of those that do, by file. For the other
    arguments see :func:`build_dag`. Where the site's own functions are broken, the Dag is built all the same: only a
    step that calls one of them fails, when it runs.

    :raises WorkflowError: with every problem of the text at once.
    :raises FunctionsError: where a text cannot be read while the site's own functions are broken.
    """
    surroundings = around if isinstance(around, Surroundings) else Surroundings.of(around or {})
    with seldom_collected():
        plan = _plan(text, file, environment, surroundings)
        dag = build_dag(plan, fingerprint=fingerprint, pools=pools, note=note, scheduled=scheduled, bindings=bindings)
    dag.fileloc = _caller_file()
    return dag


def _plan(text: str | bytes, file: str, environment: str | None, surroundings: Surroundings) -> Plan:
    broken: list[FunctionsError] = []
    functions = read_site_functions(broken)
    for error in broken:
        _log.warning("%s", error)
    try:
        return plan_text(
            text,
            file,
            environment=environment,
            functions=functions,
            site=read_site(),
            surroundings=surroundings,
        )
    except WorkflowError:
        if broken:
            raise broken[0] from None
        raise


def build_dag(
    plan: Plan,
    *,
    fingerprint: str | None = None,
    pools: Mapping[str, int] | None = None,
    note: str | None = None,
    scheduled: bool = True,
    bindings: Sequence[str] = (),
) -> DAG:
    """Build the Dag of a plan.

    ``fingerprint`` is a hash of all that shapes a run: another one makes a new version of the Dag. ``pools`` are the
    slots of the pools that the workflow names, where several files name them; the plan's own without. ``note`` is shown
    first in the Dag's docs, and tagged. With ``scheduled=False`` the Dag has no schedule. ``bindings`` are the events
    that start workflows, as texts; those of other workflows are left out.
    """
    workflow = plan.workflow
    bound = [each for each in map(Bound.from_text, bindings) if each.workflow_id == plan.dag_id]
    schedule = build_schedule(plan) if scheduled else Schedule()
    slots = {pool_name(name): count for name, count in {**plan.pools, **(pools or {})}.items() if name in plan.pools}
    dag = DAG(
        plan.dag_id,
        description=workflow.description or None,
        schedule=schedule.timetable,
        start_date=schedule.start_date,
        catchup=schedule.catchup,
        max_active_runs=workflow.max_active_runs,
        params=build_params(plan.input_schema),
        tags=_tags(plan, note, bound, scheduled=scheduled),
        doc_md=dag_docs(plan, note),
        dag_display_name=plan.display_name,
        deadline=build_deadline(plan),
        is_paused_upon_creation=False if workflow.active else None,
        default_args={"owner": workflow.owner} if workflow.owner else {},
        auto_register=False,
        max_active_tasks=workflow.max_parallel or int(read_setting("core", "max_active_tasks_per_dag")),
        disable_bundle_versioning=read_flag("dag_processor", "disable_bundle_versioning"),
        max_consecutive_failed_dag_runs=int(read_setting("core", "max_consecutive_failed_dag_runs_per_dag")),
    )
    build_tasks(dag, plan, slots, fingerprint, [each.to_text() for each in bound])
    return dag


def read_site() -> Site:
    """Return what this Airflow's ``[gimme]`` allows workflows."""
    return Site.read(partial(read_setting, "gimme"))


def _tags(plan: Plan, note: str | None, bound: Iterable[Bound], *, scheduled: bool) -> list[str]:
    state = [] if note is None else [BROKEN_TAG if scheduled else REMOVED_TAG]
    events = sorted({event_tag(name) for each in bound for name in each.events})
    return [tag[:_TAG_LENGTH] for tag in (*plan.workflow.tags, *state, *events)]


def _caller_file() -> str:
    """Return the file of the code that builds the Dag, as Airflow does for a Dag that a person writes."""
    frame = sys._getframe(1)  # noqa: SLF001 - `inspect.stack` reads the source of every frame
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("airflow_provider_gimme"):
        frame = frame.f_back
    return frame.f_code.co_filename
