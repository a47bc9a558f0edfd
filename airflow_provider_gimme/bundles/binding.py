"""Bind events to workflows: what the files of ``providers/`` say, given the workflows that are in force.

Pure. The rules:

- A file binds workflows beside its folder ``providers`` or below it.
- A file with problems keeps its last good text in force, and shows its problems as an import error.
- A binding to a workflow that is not there is a problem of its file; the file's other bindings are in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from pathlib import PurePosixPath

from airflow_provider_gimme.bundles.folder import SourceFile
from airflow_provider_gimme.errors import Problem, WorkflowError
from airflow_provider_gimme.plan.provider import ProviderPlan, plan_provider

__all__ = ["Bindings", "bind", "binding_problems", "bindings_near"]


@dataclass(frozen=True)
class Bindings:
    """Which events start which workflows, and what is wrong."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """The text of each file that is in force."""
    by_dag: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The bindings of each Dag, as they travel with it."""
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """By file."""


def bind(sources: Iterable[SourceFile], before: Mapping[str, str], workflows: Mapping[str, str]) -> Bindings:
    """Bind events to ``workflows`` (Dag id to file); ``before`` are the texts that were in force, by file."""
    texts: dict[str, str] = {}
    problems: dict[str, tuple[Problem, ...]] = {}
    by_dag: dict[str, tuple[str, ...]] = {}
    for source in sorted(sources, key=attrgetter("path")):
        plan, found = _judge(source)
        text = source.text
        if plan is None and source.path in before:
            text = before[source.path]
            plan, _ = _judge(SourceFile(source.path, text))
        if plan is not None:
            texts[source.path] = text
            near = {dag_id for dag_id, file in workflows.items() if _is_near(file, source.path)}
            found = found or plan.unknown(near)
            for bound in plan.bindings:
                if bound.workflow_id in near:
                    by_dag[bound.workflow_id] = (*by_dag.get(bound.workflow_id, ()), bound.to_text())
        if found:
            problems[source.path] = found
    return Bindings(texts, by_dag, problems)


def _is_near(workflow: str, provider: str) -> bool:
    """Say whether a workflow's file is beside the folder of a provider's file, or below that."""
    return PurePosixPath(provider).parent.parent in PurePosixPath(workflow).parents


def _judge(source: SourceFile) -> tuple[ProviderPlan | None, tuple[Problem, ...]]:
    if source.problems:
        return None, source.problems
    return _planned(source.text, source.path)


@lru_cache(maxsize=1024)
def _planned(text: str, file: str) -> tuple[ProviderPlan | None, tuple[Problem, ...]]:
    """Return what a text binds, or why it binds nothing; remembered, because every refresh asks for all of them."""
    try:
        return plan_provider(text, file), ()
    except WorkflowError as error:
        return None, error.problems


def bindings_near(sources: Iterable[SourceFile], workflow: str) -> list[str]:
    """Return what binds workflows of one file, as far as there is no problem with it."""
    plans = [_judge(source)[0] for source in sources if _is_near(workflow, source.path)]
    return [bound.to_text() for plan in plans if plan is not None for bound in plan.bindings]


def binding_problems(
    sources: Iterable[SourceFile], workflows: Mapping[str, str]
) -> dict[SourceFile, tuple[Problem, ...]]:
    """Return what is wrong with the files of ``providers/``, given the workflows (Dag id to file)."""
    problems = bind(sources, {}, workflows).problems
    return {source: problems[source.path] for source in sources if source.path in problems}
