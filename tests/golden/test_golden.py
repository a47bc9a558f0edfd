"""Wrong files and their exact messages: ``NAME.yaml`` (or ``.json``) beside ``NAME.txt``.

A folder ``NAME`` is a file ``workflow.yaml`` with what is around it, ``_defaults`` and ``schemas/``.
``GOLDEN=update pytest tests/golden`` writes the messages anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from airflow_provider_gimme.errors import WorkflowError
from airflow_provider_gimme.loading.surroundings import look_into
from airflow_provider_gimme.plan import plan_text

FOLDER = Path(__file__).parent
FOLDERS = sorted(path.parent for path in FOLDER.glob("*/workflow.yaml"))
FILES = [*sorted(path for path in FOLDER.iterdir() if path.suffix in {".yaml", ".json"}), *FOLDERS]
SECRETS = ("hunter2", "sk-live-12345", "s3cr3t-value")
INTERNALS = ("pydantic", "Input should", "type=", "yaml.", "<class", "Traceback", "dict", "tuple")


def messages(path: Path) -> str:
    """Return what a person reads of a wrong file, one problem a line."""
    file = path / "workflow.yaml" if path.is_dir() else path
    around = look_into(path, lambda near: near.relative_to(path).as_posix()) if path.is_dir() else None
    with pytest.raises(WorkflowError) as caught:
        plan_text(file.read_bytes(), file.name, environment="prod", surroundings=around)
    return f"{caught.value}\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_wrong_file_gives_exactly_these_messages(path: Path) -> None:
    """Every problem of a wrong file is told at once, with its place and a way out."""
    said = messages(path)
    golden = path.with_suffix(".txt")
    if os.environ.get("GOLDEN") == "update":
        golden.write_text(said)
    assert said == golden.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_message_shows_a_secret_or_our_insides(path: Path) -> None:
    """A message never shows a secret of the file, nor words that only we know."""
    said = messages(path)
    assert [word for word in (*SECRETS, *INTERNALS) if word in said] == []


def test_there_are_enough_wrong_files_and_no_orphans() -> None:
    """The folder holds at least forty wrong files, each with its messages and each message file with its file."""
    assert len(FILES) >= 40
    assert {path.stem for path in FILES} == {path.stem for path in FOLDER.glob("*.txt")}
