"""A folder of workflow files, and a bundle over it whose clock and runs a test decides."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airflow_provider_gimme.bundles import WorkflowBundle
from airflow_provider_gimme.bundles.checking import Checked
from airflow_provider_gimme.errors import Problem, WorkflowError
from airflow_provider_gimme.loading.surroundings import Surroundings


class FakeCheck:
    """Finds ``id: X`` and ``pool: N``; a line ``bad: …`` is a problem, also in what is around the file."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.key = world.site

    def __call__(self, text: str, file: str, environment: str | None, surroundings: Surroundings) -> Checked:
        self.world.checked.append(file)
        if self.world.crash:
            raise self.world.crash("boom")
        texts = {file: text, **surroundings.texts([near.file for near in surroundings.files])}
        for place, each in texts.items():
            if match := re.search(r"^bad: *(.*)$", each, re.MULTILINE):
                line = each.count("\n", 0, match.start()) + 1
                raise WorkflowError([Problem(place, line, 1, "bad", f"unknown key 'bad' (got '{match[1]}').")])
        found = re.search(r"^id: *(\S+)$", text, re.MULTILINE)
        slots = re.search(r"^pool: *(\d+)$", text, re.MULTILINE)
        around = tuple(near.file for near in surroundings.files)
        return Checked(found[1] if found else "", {"shared": int(slots[1])} if slots else {}, around)


@dataclass
class World:
    """What a bundle sees: files, time, runs; and what it asked for."""

    root: Path
    now: float = 1_800_000_000.0
    running: frozenset[str] | None = frozenset()
    parsed: dict[str, float] | None = None
    checked: list[str] = field(default_factory=list)
    crash: type[Exception] | None = None
    site: str = ""

    @property
    def folder(self) -> Path:
        return self.root / "workflows"

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def bundle(self, version: str | None = None, env: str | None = None) -> WorkflowBundle:
        return WorkflowBundle(
            name="flows",
            path=str(self.folder),
            store=str(self.root / "store"),
            env=env,
            version=version,
            new_check=lambda: FakeCheck(self),
            active_runs=self.active_runs,
            last_parsed=self.last_parsed,
            clock=lambda: self.now,
        )

    def active_runs(self, dag_ids: Collection[str]) -> frozenset[str] | None:
        return None if self.running is None else self.running & frozenset(dag_ids)

    def last_parsed(self, dag_ids: Collection[str]) -> Mapping[str, float] | None:
        return self.parsed


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    (tmp_path / "workflows").mkdir()
    return World(tmp_path)


def stubs(bundle: WorkflowBundle) -> dict[str, str]:
    """Return what Airflow would find in the bundle: path to text."""
    paths = sorted(path for path in bundle.path.rglob("*") if path.is_file())
    return {path.relative_to(bundle.path).as_posix(): path.read_text() for path in paths}
