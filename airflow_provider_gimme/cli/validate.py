"""``gimme validate``: check workflow files and folders."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from airflow_provider_gimme.cli.reading import read_site, site_functions
from airflow_provider_gimme.errors import GimmeError, Problem, WorkflowError
from airflow_provider_gimme.loading.discover import (
    defaults_files,
    is_defaults_file,
    provider_files,
    schema_files,
    workflow_files,
)
from airflow_provider_gimme.loading.surroundings import SCHEMAS, read_near_files
from airflow_provider_gimme.plan import plan_file

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Print every problem and warning, then a summary; return 1 if there is a problem."""
    files, others = _files(options.paths)
    functions, site = site_functions(options), read_site(os.environ)
    problems: list[Problem] = []
    known: dict[str, Path] = {}
    for file in files:
        try:
            plan = plan_file(file, environment=options.environment, functions=functions, site=site)
        except WorkflowError as error:
            problems.extend(error.problems)
            continue
        problems.extend(plan.warnings)
        first = known.setdefault(plan.dag_id, file)
        if first != file:
            message = f"the workflow's name '{plan.dag_id}' is taken by {first}. Choose another."
            problems.append(Problem(str(file), 1, 1, "", message))
    problems.extend(problem for path in others for problem in _problems_of(path, known))
    problems = list(dict.fromkeys(problems))  # several workflows tell what is wrong with the file that they share
    for problem in problems:
        print(problem)
    errors = sum(problem.severity == "error" for problem in problems)
    print(_summary(len(files) + len(others), errors, len(problems) - errors), file=sys.stderr)
    return 1 if errors else 0


def _files(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Return the workflow files that the paths stand for, and the other files that are checked with them."""
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if path.is_dir():
            found, beside = workflow_files(path), [*defaults_files(path), *schema_files(path), *provider_files(path)]
        else:
            found, beside = ([], [path]) if _is_other(path) else ([path], [])
        if not found and not beside:
            raise GimmeError(f"no workflow file in {path}. A workflow file ends in .yaml, .yml or .json.")
        files.extend(found)
        others.extend(beside)
    return list(dict.fromkeys(files)), list(dict.fromkeys(others))


def _is_other(path: Path) -> bool:
    """Say whether a file that the command line names is no workflow, by its name or its folder."""
    return is_defaults_file(path) or path.resolve().parent.name in {SCHEMAS, "providers"}


def _problems_of(path: Path, known: Mapping[str, Path]) -> Iterable[Problem]:
    """Return what is wrong with a file that is no workflow."""
    if path.resolve().parent.name == "providers":
        return _provider_problems(path, known)
    return _near_problems(path)


def _near_problems(path: Path) -> Iterator[Problem]:
    from airflow_provider_gimme.loading.defaults import load_defaults
    from airflow_provider_gimme.loading.schema import load_schema

    path.stat()  # raises where it is not there
    for near in read_near_files([path]):
        yield from load_defaults((near,)).problems if is_defaults_file(path) else load_schema(near).problems


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
