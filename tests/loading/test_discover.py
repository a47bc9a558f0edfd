from __future__ import annotations

from pathlib import Path

from airflow_provider_gimme.loading.discover import workflow_files


def test_workflows_are_yaml_and_json_files_that_are_not_set_apart(tmp_path: Path) -> None:
    """Names with ``_`` or ``.`` in front, ``schemas/`` and ``providers/`` hold no workflows."""
    names = [
        "a.yaml",
        "b.YML",
        "sub/c.json",
        "_defaults.yaml",
        ".hidden.yaml",
        "schemas/s.yaml",
        "x/providers/p.yaml",
        "readme.md",
    ]
    for name in [*names, "_off/d.yaml", "folder.yaml/e.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = [path.relative_to(tmp_path).as_posix() for path in workflow_files(tmp_path)]
    assert found == ["a.yaml", "b.YML", "sub/c.json"]
