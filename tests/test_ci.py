"""The check of everything, ``.ci/run``, with commands that end as the test wants them to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHEEL = "the wheel in an environment of its own"
LANE = ("make lint", "make validate", "make types", WHEEL)
"""What is done while the tests run, in this order."""

_TOOLS = ("bash", "cat", "cp", "dirname", "grep", "mkdir", "mktemp", "rm", "sh", "timeout")
_PYTHON = """
for last; do :; done
case "$*" in
    "-m venv "*) mkdir -p "$last/bin" "$last/site"; cp "$0" "$last/bin/python"; cp "$0" "$last/bin/gimme" ;;
    "-c "*) echo "${0%/bin/python}/site" ;;
    "-m airflow "*) echo 'airflow-provider-gimme 1'; echo secrets_allow; echo 'gimme 1' ;;
esac
"""

Done = subprocess.CompletedProcess[str]


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def _run(folder: Path, make: str, python: str = _PYTHON) -> Done:
    """Run it in an empty folder, with these programs for ``make`` and for the Python that packs the wheel."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    tools = folder / "bin"
    for name in ("python3", "chromium", "docker-compose", "postgres"):
        _program(tools / name, "exit 0")
    _program(tools / "make", f'echo "output of $1"\n{make}')
    _program(folder / ".venv" / "bin" / "python", python)
    (folder / ".venv" / "site").mkdir()
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
    stages = ["system packages", "make install", "make test", *LANE, "make e2e"]
    assert _headings(done) == [*stages, "PASSED"]
    assert done.returncode == 0
    for stage in stages:
        assert f" s  {stage}\n" in done.stdout
    for target in ("install", "e2e", "lint", "validate", "types", "test"):
        assert f"=== make {target}\noutput of {target}\n" in done.stdout


@pytest.mark.parametrize("target", ["lint", "validate", "types"])
def test_a_failure_in_a_lane_ends_the_lane(tmp_path: Path, target: str) -> None:
    """The tests beside it go on, all that was done is shown, the one that failed is named, and nothing comes after."""
    done = _run(tmp_path, f'[ "$1" != {target} ] || exit 3')
    lane = LANE[: LANE.index(f"make {target}") + 1]
    failed = f"FAILED in: make {target} (exit status 3)"
    assert _headings(done) == ["system packages", "make install", "make test", *lane, failed]
    assert done.returncode == 3


def test_all_failures_side_by_side_are_named(tmp_path: Path) -> None:
    """A wheel that cannot be built does not hide the tests."""
    done = _run(tmp_path, '[ "$1" != test ] || exit 3', python="exit 4")
    assert _headings(done)[-1] == f"FAILED in: make test, {WHEEL} (exit status 3)"
    assert done.returncode == 3


@pytest.mark.parametrize("target", ["install", "e2e"])
def test_a_failure_alone_is_the_end(tmp_path: Path, target: str) -> None:
    """Nothing comes after a stage that fails, and it is named."""
    done = _run(tmp_path, f'[ "$1" != {target} ] || exit 2')
    assert _headings(done)[-2:] == [f"make {target}", f"FAILED in: make {target} (exit status 2)"]
    assert done.returncode == 2
