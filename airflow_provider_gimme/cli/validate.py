"""``gimme validate``: check workflow files and folders."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path

from airflow_provider_gimme.cli.reading import site_functions, site_pools
from airflow_provider_gimme.errors import GimmeError, Problem, WorkflowError
from airflow_provider_gimme.loading.discover import provider_files, workflow_files
from airflow_provider_gimme.plan import plan_file

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Print every problem and warning, then a summary; return 1 if there is a problem."""
    files = _files(options.paths)
    functions, pools = site_functions(options), site_pools(os.environ)
    problems: list[Problem] = []
    seen: dict[str, Path] = {}
    known: dict[str, Path] = {}
    for file in files:
        try:
            plan = plan_file(file, environment=options.environment, functions=functions, site_pools=pools)
        except WorkflowError as error:
            problems.extend(error.problems)
            continue
        problems.extend(plan.warnings)
        known[plan.dag_id] = file
        first = seen.setdefault(plan.dag_id, file)
        if first != file:
            problems.append(
                Problem(
                    str(file), 1, 1, "", f"the workflow's name '{plan.dag_id}' is taken by {first}. Choose another."
                )
            )
    providers = list(dict.fromkeys(path for each in options.paths for path in _providers(each)))
    problems.extend(problem for path in providers for problem in _provider_problems(path, known))
    for problem in problems:
        print(problem)
    errors = sum(problem.severity == "error" for problem in problems)
    print(_summary(len(files) + len(providers), errors, len(problems) - errors), file=sys.stderr)
    return 1 if errors else 0


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = workflow_files(path) if path.is_dir() else [] if _providers(path) else [path]
        if not found and not _providers(path):
            raise GimmeError(f"no workflow file in {path}. A workflow file ends in .yaml, .yml or .json.")
        files.extend(found)
    return list(dict.fromkeys(files))


def _providers(path: Path) -> list[Path]:
    """Return the files of folders ``providers`` that a path stands for."""
    if path.is_dir():
        return provider_files(path)
    return [path] if path.resolve().parent.name == "providers" else []


def _provider_problems(path: Path, known: Mapping[str, Path]) -> Iterable[Problem]:
    """Return what is wrong with a file of ``providers``; alone, nothing is known of the workflows that it names."""
    from airflow_provider_gimme.plan.provider import plan_provider

    try:
        plan = plan_provider(path.read_bytes(), str(path))
    except WorkflowError as error:
        return error.problems
    around = path.resolve().parent.parent
    near = {dag_id for dag_id, file in known.items() if around in file.resolve().parents}
    return plan.unknown(near) if near else ()


def _summary(files: int, errors: int, warnings: int) -> str:
    return f"{_count(files, 'file')}, {_count(errors, 'problem')}, {_count(warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
