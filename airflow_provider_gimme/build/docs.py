"""The texts that the UI shows of a workflow: its file, its plan, what is special about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gimme.errors import Problem
    from airflow_provider_gimme.plan import Plan

__all__ = ["BROKEN_TAG", "REMOVED_TAG", "broken_docs", "dag_docs", "fenced", "task_docs"]

BROKEN_TAG = "broken"
"""The tag of a Dag whose file has problems: it runs by its last good text, or without one not at all."""

REMOVED_TAG = "removed"
"""The tag of a Dag whose file is gone, and that stays until its runs have ended."""

_LONGEST = 100_000
_SHOWN_PHASES = 200


def dag_docs(plan: Plan, note: str | None = None) -> str:
    """Return the docs of a workflow's Dag, in Markdown."""
    workflow = plan.workflow
    parts = [f"**{note}**"] if note else []
    parts += [workflow.description] if workflow.description else []
    version = f", version {workflow.version}" if workflow.version else ""
    parts.append(f"`{plan.file}`{version}")
    parts += [f"⚠ {warning}" for warning in plan.warnings]
    parts.append("### Plan\n\n" + "\n".join(_phases(plan)))
    parts.append("### File\n\n" + fenced(plan.text, "yaml"))
    return "\n\n".join(parts) + "\n"


def broken_docs(problems: Iterable[Problem]) -> str:
    """Return the docs of a Dag whose file has problems."""
    lines = "\n".join(str(problem) for problem in problems)
    return f"**This file has problems, so there is nothing to run.**\n\n{fenced(lines, 'text')}\n"


def task_docs(description: str) -> str | None:
    """Return a task's docs; the line's end keeps Airflow from reading text that ends in ``.md`` as a file's name."""
    return f"{description}\n" if description else None


def fenced(text: str, language: str) -> str:
    """Return text as a code block that nothing in the text can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… ({len(text)} characters)"
    return f"{fence}{language}\n{shown.rstrip()}\n{fence}"


def _phases(plan: Plan) -> list[str]:
    lines = [f"{number}. {_side_by_side(plan, phase)}" for number, phase in enumerate(plan.phases, start=1)]
    if len(lines) > _SHOWN_PHASES:
        return [*lines[:_SHOWN_PHASES], f"… and {len(lines) - _SHOWN_PHASES} more phases"]
    return lines


def _side_by_side(plan: Plan, phase: tuple[str, ...]) -> str:
    groups = {group.name: group for group in plan.groups}
    texts: list[str] = []
    for name in phase[:50]:
        group = plan.by_id[name].group
        bound = groups[group].max_parallel if group in groups else None
        of = f" ({group}, at most {bound} at once)" if bound else f" ({group})" if group else ""
        texts.append(f"`{name}`{of}")
    return ", ".join(texts) + (f" and {len(phase) - 50} more" if len(phase) > 50 else "")
