"""The demonstration refuses what it cannot do, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.stage import fresh_home, workflow_file


def _write(repository: Path, text: str) -> Path:
    path = repository / "workflow_configs" / "derivativ_daily.yaml"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_a_missing_workflow_is_named(tmp_path: Path) -> None:
    """Without its workflow the demo says which file is missing."""
    with pytest.raises(DemoError, match=r"workflow_configs/derivativ_daily\.yaml is missing"):
        workflow_file(tmp_path)


@pytest.mark.parametrize(
    "text", ["name: x\n", "api_base: https://api.example.com\n", "  api_base: https://a/${OTHER}\n"]
)
def test_a_workflow_that_would_call_the_real_api_is_refused(tmp_path: Path, text: str) -> None:
    """The demo runs no file whose base does not come from the stand-in's variable."""
    _write(tmp_path, text)
    with pytest.raises(DemoError, match="would call the real API"):
        workflow_file(tmp_path)


def test_a_workflow_whose_base_is_a_variable_is_run(tmp_path: Path) -> None:
    """The variable may have a default for everybody else."""
    path = _write(tmp_path, 'api_base: "${DERIVATIV_API_BASE:-https://api.example.com}"\n')
    assert workflow_file(tmp_path) == path


def test_the_home_is_fresh_and_for_one_demo(tmp_path: Path) -> None:
    """What an earlier demo left is gone; a second demo at the same time is refused; afterwards the files stay."""
    with fresh_home(tmp_path) as home:
        (home / "old").touch()
        with pytest.raises(DemoError, match="another demo runs"), fresh_home(tmp_path):
            pass
    assert (home / "old").exists()
    with fresh_home(tmp_path) as again:
        assert again == home
        assert not list(again.iterdir())
