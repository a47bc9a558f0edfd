"""From a file's text to a plan, or to all of its problems."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from airflow_provider_gimme.errors import Problem, WorkflowError
from airflow_provider_gimme.expressions import Functions
from airflow_provider_gimme.loading import Loaded, load_text
from airflow_provider_gimme.plan.context import Context
from airflow_provider_gimme.plan.models import Plan
from airflow_provider_gimme.plan.names import Names
from airflow_provider_gimme.plan.workflow import draft_steps, plan_workflow

__all__ = ["plan_file", "plan_text"]


def plan_text(
    text: str | bytes,
    file: str,
    *,
    environment: str | None = None,
    functions: Functions | None = None,
    site_pools: Iterable[str] = (),
) -> Plan:
    """Plan the workflow that a text describes.

    ``file`` names the text in messages. ``environment`` picks an overlay of the file's ``environments``.
    ``functions`` are the site's own; ``site_pools`` the pools that exist without a file naming their slots.

    :raises WorkflowError: with every problem of the text at once; warnings are in ``Plan.warnings``.
    """
    loaded = load_text(text, file, environment=environment)
    if loaded.workflow is None:
        raise WorkflowError((*loaded.problems, *_expression_problems(loaded, functions)))
    context = Context(loaded, loaded.workflow, functions or Functions.none())
    plan = plan_workflow(context, frozenset(site_pools))
    problems = (*loaded.problems, *dict.fromkeys(context.problems))
    if plan is None or _errors(problems):
        raise WorkflowError(problems)
    return plan.with_warnings(problems)


def plan_file(
    path: str | Path,
    *,
    environment: str | None = None,
    functions: Functions | None = None,
    site_pools: Iterable[str] = (),
) -> Plan:
    """Plan the workflow in a file; see :func:`plan_text`.

    :raises OSError: where the file cannot be read.
    """
    return plan_text(
        Path(path).read_bytes(), str(path), environment=environment, functions=functions, site_pools=site_pools
    )


def _expression_problems(loaded: Loaded, functions: Functions | None) -> tuple[Problem, ...]:
    """Return what is wrong with the expressions of the right steps of a file in which others are wrong."""
    if loaded.partial is None:
        return ()
    context = Context(loaded, loaded.partial, functions or Functions.none())
    draft_steps(context, Names.of(loaded.partial))
    return tuple(dict.fromkeys(context.problems))


def _errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)
