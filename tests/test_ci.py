"""The check of everything, ``.ci/run``, with commands that end as the test wants them to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SIDE_BY_SIDE = ("make coverage", "the wheel in a clean environment", "make lint", "make validate", "make types")

_TOOLS = ("bash", "cat", "cp", "dirname", "grep", "mkdir", "mktemp", "rm", "sh", "timeout")
_MADE_VENV = 'for last; do :; done; if [ "$2" = venv ]; then mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; fi'

Done = subprocess.CompletedProcess[str]


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def _run(folder: Path, make: str, python: str = _MADE_VENV) -> Done:
    """Run it in an empty folder, with these programs for ``make`` and for the Python that packs the wheel."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    tools = folder / "bin"
    for name in ("python3", "chromium", "docker-compose", "postgres", "pip", "gimme"):
        _program(tools / name, "exit 0")
    _program(tools / "make", f'echo "output of $1"\n{make}')
    _program(tools / "airflow", "echo 'airflow-provider-gimme 1'; echo secrets_allow; echo 'gimme 1'")
    _program(folder / ".venv" / "bin" / "python", python)
    for name in _TOOLS:
        (tools / name).symlink_to(str(shutil.which(name)))
    command = ["bash", str(folder / ".ci" / "run")]
    environment = {"PATH": str(tools), "TMPDIR": str(folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _headings(done: Done) -> list[str]:
    return [line.removeprefix("=== ") for line in done.stdout.splitlines() if line.startswith("=== ")]


def test_every_stage_shows_its_output_and_its_time(tmp_path: Path) -> None:
    """What runs side by side is shown in one piece under its name, and all times follow at the end."""
    done = _run(tmp_path, "exit 0")
    stages = ["system packages", "make install", *SIDE_BY_SIDE, "make test"]
    assert _headings(done) == [*stages, "PASSED"]
    assert done.returncode == 0
    for stage in stages:
        assert f" s  {stage}\n" in done.stdout
    for target in ("install", "coverage", "lint", "validate", "types", "test"):
        assert f"=== make {target}\noutput of {target}\n" in done.stdout


@pytest.mark.parametrize("target", ["coverage", "lint", "validate", "types"])
def test_a_failure_side_by_side_is_the_end(tmp_path: Path, target: str) -> None:
    """All that began together is shown, the one that failed is named, and the long tests do not begin."""
    done = _run(tmp_path, f'[ "$1" != {target} ] || exit 3')
    failed = f"FAILED in: make {target} (exit status 3)"
    assert _headings(done) == ["system packages", "make install", *SIDE_BY_SIDE, failed]
    assert done.returncode == 3


def test_all_failures_side_by_side_are_named(tmp_path: Path) -> None:
    """A wheel that cannot be built does not hide the types."""
    done = _run(tmp_path, '[ "$1" != types ] || exit 3', python="exit 4")
    assert _headings(done)[-1] == "FAILED in: the wheel in a clean environment, make types (exit status 4)"
    assert done.returncode == 4


@pytest.mark.parametrize("target", ["install", "test"])
def test_a_failure_alone_is_the_end(tmp_path: Path, target: str) -> None:
    """Nothing comes after a stage that fails, and it is named."""
    done = _run(tmp_path, f'[ "$1" != {target} ] || exit 2')
    assert _headings(done)[-2:] == [f"make {target}", f"FAILED in: make {target} (exit status 2)"]
    assert done.returncode == 2
