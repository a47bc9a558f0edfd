"""Folders of workflows as they are found on real disks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_gimme.bundles.folder import read_folder
from airflow_provider_gimme.errors import BundleError

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that belongs to this process, which is not the administrator for the time of the test."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)  # noqa: PTH101, S103 (everyone may look into it)
        (Path(name) / "team").mkdir()
        (Path(name) / "team" / "a.yaml").write_text("name: a\n")
        (Path(name) / "b.yaml").write_text("name: b\n")
        before = os.geteuid()
        if before == 0:
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(before)
            (Path(name) / "team").chmod(0o755)


def close(path: Path) -> None:
    """Take all rights on a path away."""
    mine = os.geteuid()
    os.seteuid(os.getuid())
    path.chmod(0)
    os.seteuid(mine)


def test_a_subfolder_that_cannot_be_read_is_an_error(folder: Path) -> None:
    """Its workflows must not look as if somebody had removed them."""
    close(folder / "team")
    with pytest.raises(BundleError, match=r"the workflow folder '.*/team' cannot be read: Permission denied"):
        read_folder(folder)


def test_a_file_that_cannot_be_read_is_a_problem_of_that_file(folder: Path) -> None:
    """The others are read."""
    close(folder / "b.yaml")
    sources = {source.path: source for source in read_folder(folder)}
    assert [str(problem) for problem in sources["b.yaml"].problems] == [
        "b.yaml:1:1: the file cannot be read: Permission denied."
    ]
    assert sources["team/a.yaml"].text == "name: a\n"


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    """Kubernetes shows the files of a config map as links into a hidden folder."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "a.yaml").write_text("name: a\n")
    (tmp_path / "a.yaml").symlink_to(Path("..data", "a.yaml"))
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    assert [(source.path, source.text) for source in read_folder(tmp_path)] == [("a.yaml", "name: a\n")]
