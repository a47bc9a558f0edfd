"""Check workflow files before they are published, each content once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from airflow_provider_gimme.bundles.store import write_atomically
from airflow_provider_gimme.errors import BundleError, FunctionsError, Problem, WorkflowError
from airflow_provider_gimme.loading.surroundings import Surroundings

__all__ = ["Check", "Checked", "Checks", "problems_of"]


@dataclass(frozen=True)
class Checked:
    """What the check of a workflow file told."""

    dag_id: str = ""
    """The Dag the file defines; empty where it has problems."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """The pools it makes, with their slots."""
    around: tuple[str, ...] = ()
    """The files around it that shape it."""
    problems: tuple[Problem, ...] = ()
    """Why no Dag can be built of it."""


class Check(Protocol):
    """Checks a text as far as building its Dag."""

    @property
    def key(self) -> str:
        """What an outcome depends on beside the file."""

    def __call__(self, text: str, file: str, environment: str | None, surroundings: Surroundings) -> Checked:
        """Return what the text defines; raise WorkflowError with its problems."""


class Checks:
    """One round of checks, which remembers outcomes in a file so that only what has changed is checked.

    The memory is keyed by all that an outcome depends on: the text, where it is, what surrounds it, the environment,
    and the ``key`` of the check. What a round does not ask for is forgotten.
    """

    def __init__(self, path: Path, check: Check, environment: str | None) -> None:
        self._path = path
        self._check = check
        self._environment = environment
        self._base = f"{check.key} {environment!a}"
        self._known = _read(path)
        self._used: dict[str, Checked] = {}

    def of(self, text: str, file: str, surroundings: Surroundings) -> Checked:
        """Return the outcome for a text; checks it where that was not done before."""
        key = _digest(f"{self._base} {surroundings.digest} {file!a} {_digest(text)}")
        checked = self._known.get(key) or self._used.get(key) or self._checked(text, file, surroundings)
        self._used[key] = checked
        return checked

    def remember(self) -> None:
        """Write what was asked for since the start; forget the rest."""
        if self._used.keys() != self._known.keys():
            write_atomically(self._path, json.dumps({key: asdict(value) for key, value in self._used.items()}).encode())

    def _checked(self, text: str, file: str, surroundings: Surroundings) -> Checked:
        try:
            return self._check(text, file, self._environment, surroundings)
        except FunctionsError as error:  # no file is to blame, and none could be read
            raise BundleError(f"workflows cannot be checked: {error} What was published stays in force.") from error
        except Exception as error:  # noqa: BLE001 (one file, whatever is wrong with it, must not stop the others)
            return Checked(problems=problems_of(error, file))


def problems_of(error: Exception, file: str) -> tuple[Problem, ...]:
    """Return why no Dag can be built of a file, for whatever its building raised."""
    if isinstance(error, WorkflowError):
        return error.problems
    message = f"no Dag can be built of this file: {type(error).__name__}: {error}"
    return (Problem(file, 1, 1, "", f"{message}. Please report this unless it comes from a function of your own."),)


def _read(path: Path) -> dict[str, Checked]:
    """Read the memory; empty where there is none or it is damaged: then everything is checked anew."""
    try:
        rows: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        return {key: _of_row(row) for key, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _of_row(row: dict[str, Any]) -> Checked:
    problems = tuple(Problem(**each) for each in row["problems"])
    return Checked(**{**row, "around": tuple(row["around"]), "problems": problems})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
