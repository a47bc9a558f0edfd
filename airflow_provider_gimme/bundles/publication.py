"""Decide what a folder of workflows publishes: which texts are in force, and what Airflow sees of them.

Pure: what is true of files, of the past and of runs is handed in. The rules:

- A file without problems is in force.
- A file with problems keeps its last good text in force, marked, and shows its problems as an import error.
- A Dag that no file defines any more stays, without schedule, until its runs have ended: Airflow gives the runs of a
  Dag that is gone no further task.
- Of two files with one Dag id, the first in the order of paths has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter

from airflow_provider_gimme import __version__
from airflow_provider_gimme.bundles.binding import Bindings
from airflow_provider_gimme.bundles.checking import Checked
from airflow_provider_gimme.bundles.folder import SourceFile
from airflow_provider_gimme.bundles.ids import duplicate_id
from airflow_provider_gimme.bundles.settling import SUFFIX
from airflow_provider_gimme.bundles.stubs import Stub, problem_stub, workflow_stub
from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.surroundings import Surroundings

__all__ = ["InForce", "Outcome", "Publication", "choose", "files_of", "fingerprint", "pool_warnings", "smallest_slots"]

Outcome = Callable[[str, str, Surroundings], Checked]
"""Tells the outcome of checking a text (text, file, surroundings)."""


@dataclass(frozen=True)
class InForce:
    """A workflow text that a Dag is built of."""

    dag_id: str
    file: str
    """The file that says it, or said it last."""
    text: str
    around: Mapping[str, str] = field(default_factory=dict)
    """The texts of the files around it that shape it, by file: it is built of these whatever becomes of the files."""
    pools: Mapping[str, int] = field(default_factory=dict)
    retired: float | None = None
    """Since when no file defines the Dag, in seconds since 1970."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts that it is built of."""
        return (self.text, *self.around.values())


@dataclass(frozen=True)
class Publication:
    """What is in force, and what is wrong."""

    workflows: Mapping[str, InForce] = field(default_factory=dict)
    """By Dag id."""
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """By file."""
    bindings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which events start a Dag, as texts, by Dag id."""

    @property
    def defined(self) -> Mapping[str, str]:
        """The file of each Dag that a file defines, by Dag id."""
        return {dag_id: each.file for dag_id, each in self.workflows.items() if each.retired is None}

    def with_bindings(self, bindings: Bindings) -> Publication:
        """Return this with what events start."""
        return replace(self, bindings=bindings.by_dag, problems={**self.problems, **bindings.problems})

    def note(self, workflow: InForce) -> str | None:
        """Say what a reader of the Dag has to know."""
        if workflow.retired is not None:
            return (
                f"No file defines this Dag any more ('{workflow.file}' did). "
                "It has no schedule, and goes when its runs have ended."
            )
        if count := len(self.problems.get(workflow.file, ())):
            problems = "a problem" if count == 1 else f"{count} problems"
            return f"'{workflow.file}' now has {problems}: see its import error. This Dag is its last text without any."
        return None


def choose(
    sources: Iterable[SourceFile],
    outcome: Outcome,
    before: Mapping[str, InForce],
    *,
    now: float,
    gone: Callable[[InForce], bool],
) -> Publication:
    """Choose what is in force, given the files, and what was in force ``before``, by Dag id.

    ``gone`` tells of a retired workflow whether it may go.
    """
    last_good = {old.file: old for old in before.values() if old.retired is None}
    workflows: dict[str, InForce] = {}
    problems: dict[str, tuple[Problem, ...]] = {}
    for source in sorted(sources, key=attrgetter("path")):
        new, found = _judge(source, outcome, workflows)
        if found:
            problems[source.path] = found
            new = _still_good(last_good.get(source.path), outcome)
        if new is not None:
            workflows.setdefault(new.dag_id, new)
    for dag_id, old in before.items():
        retired = replace(old, retired=now if old.retired is None else old.retired)
        if dag_id not in workflows and not gone(retired) and _still_good(retired, outcome):
            workflows[dag_id] = retired
    return Publication(workflows, problems)


def files_of(publication: Publication, environment: str | None) -> dict[str, bytes]:
    """Write what Airflow sees: a stub for each Dag, named by its id, and one for each file with problems.

    A Dag's stub is named by the Dag, not by its file, because Airflow looks for a run's code under the *present* path
    of its Dag in the *old* version: so a file may be moved while runs are under way. Neither name can be imported.
    """
    slots = smallest_slots(publication.workflows.values())
    files = {f"{file}.py": problem_stub(problems) for file, problems in publication.problems.items()}
    for workflow in publication.workflows.values():
        stub = Stub(
            file=workflow.file,
            environment=environment,
            fingerprint=fingerprint(workflow, environment),
            pools={name: slots[name] for name in workflow.pools},
            note=publication.note(workflow),
            scheduled=workflow.retired is None,
            bindings=publication.bindings.get(workflow.dag_id, ()),
            around=workflow.around,
        )
        files[workflow.dag_id + SUFFIX] = workflow_stub(workflow.text, stub)
    return files


def fingerprint(workflow: InForce, environment: str | None) -> str:
    """Hash all that shapes a run: text, texts around it, overlay, this package's version. Hexadecimal, 64 characters.

    It stands in the serialized Dag: if that did not change, Airflow would move an existing version to the new code.
    """
    parts = (workflow.text, sorted(workflow.around.items()), environment, __version__)
    return hashlib.sha256(ascii(parts).encode()).hexdigest()


def smallest_slots(workflows: Iterable[InForce]) -> dict[str, int]:
    """Give each pool the fewest slots that any workflow writes for it."""
    slots: dict[str, int] = {}
    for workflow in workflows:
        for name, count in workflow.pools.items():
            slots[name] = min(count, slots.get(name, count))
    return slots


def pool_warnings(workflows: Iterable[InForce]) -> list[str]:
    """Say of each pool that files write different slots for which one has its slots, with all that is written."""
    written: dict[str, list[tuple[int, str]]] = {}
    for workflow in workflows:
        for name, count in workflow.pools.items():
            written.setdefault(name, []).append((count, workflow.file))
    return [
        f"pool '{name}': the smallest number of slots counts, {min(rows)[0]}; the files write "
        + ", ".join(f"{count} ('{file}')" for count, file in sorted(rows))
        for name, rows in sorted(written.items())
        if len({count for count, _ in rows}) > 1
    ]


def _judge(
    source: SourceFile, outcome: Outcome, taken: Mapping[str, InForce]
) -> tuple[InForce | None, tuple[Problem, ...]]:
    """Return the workflow a file defines, or why it defines none."""
    if source.problems:
        return None, source.problems
    checked = outcome(source.text, source.path, source.surroundings)
    if checked.problems:
        return None, checked.problems
    if other := taken.get(checked.dag_id):
        return None, (duplicate_id(source, checked.dag_id, other.file),)
    around = source.surroundings.texts(checked.around)
    return InForce(checked.dag_id, source.path, source.text, around, checked.pools), ()


def _still_good(old: InForce | None, outcome: Outcome) -> InForce | None:
    """Return a workflow of before, if a Dag can still be built of it."""
    if old is None or outcome(old.text, old.file, Surroundings.of(old.around)).dag_id != old.dag_id:
        return None
    return old
