"""The demonstration runs from start to end and leaves nothing behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Need

_REPOSITORY = Path(__file__).parents[2]
_WORKFLOW = _REPOSITORY / "workflow_configs" / "derivativ_daily.yaml"


@pytest.mark.timeout(240)
def test_the_demo_runs_to_its_end(need: Need) -> None:
    """It ends with status 0 within three minutes, having met retries, stored three documents and named the next run."""
    need(f"workflow_configs/{_WORKFLOW.name}", _WORKFLOW.exists())
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--exit"],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert any(re.fullmatch(r"run success after .* s", row) for row in rows)
    assert any(re.fullmatch(r"retries met [3-9]", row) for row in rows)
    assert "questions 48" in rows
    assert sum("doc-" in row and "student (" in row and "teacher (" in row for row in rows) == 3
    assert any(re.fullmatch(r"next run .*, 02:00 in Singapore \(18:00 UTC\)", row) for row in rows)
