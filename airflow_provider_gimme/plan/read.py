"""From a file's text to a plan, or to all of its problems."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from airflow_provider_gimme.errors import Problem, WorkflowError
from airflow_provider_gimme.expressions import Functions
from airflow_provider_gimme.loading import Loaded, load_text
from airflow_provider_gimme.loading.surroundings import Surroundings, read_surroundings
from airflow_provider_gimme.plan.context import Context
from airflow_provider_gimme.plan.graph import plan_graph
from airflow_provider_gimme.plan.models import Plan
from airflow_provider_gimme.plan.names import Names
from airflow_provider_gimme.plan.site import NOWHERE, Site
from airflow_provider_gimme.plan.workflow import draft_steps, plan_workflow

__all__ = ["plan_file", "plan_text"]


def plan_text(
    text: str | bytes,
    file: str,
    *,
    environment: str | None = None,
    functions: Functions | None = None,
    site: Site = NOWHERE,
    surroundings: Surroundings | None = None,
) -> Plan:
    """Plan the workflow that a text describes.

    ``file`` names the text in messages. ``environment`` picks an overlay of the file's ``environments``.
    ``functions`` are the site's own, ``site`` is what it has and allows beside them.
    ``surroundings`` are the files around it: defaults of its folder, schemas that it may name.

    :raises WorkflowError: with every problem of the text at once; warnings are in ``Plan.warnings``.
    """
    loaded = load_text(text, file, environment=environment, surroundings=surroundings)
    if loaded.workflow is None:
        raise WorkflowError((*loaded.problems, *_further_problems(loaded, functions)))
    context = Context(loaded, loaded.workflow, functions or Functions.none(), site)
    plan = plan_workflow(context)
    problems = (*loaded.problems, *dict.fromkeys(context.problems))
    if plan is None or _errors(problems):
        raise WorkflowError(problems)
    return plan.with_warnings(problems)


def plan_file(
    path: str | Path,
    *,
    environment: str | None = None,
    functions: Functions | None = None,
    site: Site = NOWHERE,
) -> Plan:
    """Plan the workflow in a file, with what is around it; see :func:`plan_text`.

    :raises OSError: where the file cannot be read.
    """
    return plan_text(
        Path(path).read_bytes(),
        str(path),
        environment=environment,
        functions=functions,
        site=site,
        surroundings=read_surroundings(Path(path)),
    )


def _further_problems(loaded: Loaded, functions: Functions | None) -> tuple[Problem, ...]:
    """Return what is wrong with the expressions and dependencies of the right steps of a file that is wrong elsewhere.

    What only tells of the order is left out: a wrong step may be what is missing in it.
    """
    if loaded.partial is None:
        return ()
    context = Context(loaded, loaded.partial, functions or Functions.none())
    names = Names.of(loaded.partial)
    drafts = draft_steps(context, names)
    found = len(context.problems)
    if all(names.listed):
        plan_graph(drafts, names, context)
    ordered = [problem for problem in context.problems[found:] if problem.severity == "error"]
    return tuple(dict.fromkeys([*context.problems[:found], *ordered]))


def _errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)
