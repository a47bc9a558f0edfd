"""Workflow files in the Dags folder become Dags by a loader of two lines."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_gimme import loader
from airflow_provider_gimme.errors import BundleError
from airflow_provider_gimme.loader import load_workflows

GOOD = "api_base: http://127.0.0.1:1\nsteps:\n  - name: a\n    endpoint: /a\n"


def load(folder: Path) -> dict[str, DAG]:
    """Run the loader as a Dag file in ``folder`` does."""
    namespace: dict[str, Any] = {"__file__": str(folder / "load.py")}
    load_workflows(".", namespace)
    return {dag.dag_id: dag for dag in namespace.values() if isinstance(dag, DAG)}


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_the_loader_in_the_dags_folder_finds_the_workflows_beside_it(tmp_path: Path) -> None:
    """Our own Dag file, put into a folder, makes a Dag of every workflow in it and below."""
    (tmp_path / "team").mkdir()
    write(tmp_path, orders=f"name: orders\n{GOOD}", _defaults="timeout: 5s\n")
    write(tmp_path / "team", users=f"name: users\n{GOOD}")
    source = Path(__file__).parents[1] / "dags" / "load_workflows.py"
    target = tmp_path / source.name
    target.write_text(source.read_text())
    found = runpy.run_path(str(target))
    dags = {value.dag_id: value for value in found.values() if isinstance(value, DAG)}
    assert sorted(dags) == ["orders", "users"]
    assert dags["orders"].task_ids[0] == "a"
    assert dags["orders"].fileloc == str(target)


def test_airflow_takes_the_loader_for_a_dag_file() -> None:
    """Airflow looks for two words before it reads a Python file."""
    source = (Path(__file__).parents[1] / "dags" / "load_workflows.py").read_text().lower()
    assert "airflow" in source
    assert "dag" in source


def test_a_broken_file_is_a_dag_that_tells_its_problems(tmp_path: Path) -> None:
    """A file with problems keeps the id that it writes, is tagged, has no schedule, and stops nobody."""
    write(tmp_path, a=f"name: orders\nschedule: '@daily'\nretires: 1\n{GOOD}", b=f"name: users\n{GOOD}")
    dags = load(tmp_path)
    assert sorted(dags) == ["orders", "users"]
    assert dags["orders"].tags == {"broken"}
    assert not dags["orders"].timetable.can_be_scheduled
    assert "a.yaml:3:1: " in str(dags["orders"].doc_md)


@pytest.mark.parametrize("text", ["", ": [", "name: [1]\n", "name: users\nx: 1\n"])
def test_a_broken_file_without_an_id_of_its_own_is_named_by_its_path(tmp_path: Path, text: str) -> None:
    """Where no id can be read, or another file has it, the placeholder is named by the file."""
    write(tmp_path, a=text, b=f"name: users\n{GOOD}")
    assert sorted(load(tmp_path)) == ["a.yaml", "users"]


def test_the_second_file_of_a_dag_is_broken(tmp_path: Path) -> None:
    """Of two files with one id the first has the Dag, the second is told so."""
    write(tmp_path, a=f"name: same\n{GOOD}", b=f"name: same\n{GOOD}")
    dags = load(tmp_path)
    assert sorted(dags) == ["b.yaml", "same"]
    assert "Dag id 'same' is already that of 'a.yaml'" in str(dags["b.yaml"].doc_md)


@pytest.mark.parametrize("name", ["'orders'", '"\\x6frders"'])
def test_a_worker_builds_only_the_dag_that_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """On a worker the other files are not built, unless the Dag's id is written in a way that cannot be found."""
    write(tmp_path, a=f"name: orders2\n{GOOD}", b=f"name: {name}\n{GOOD}", c=f"name: c\nx: 1\n{GOOD}")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "orders")
    assert ("c" in load(tmp_path)) is ("x6f" in name)
    assert "orders" in load(tmp_path)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "c")
    assert "c" in load(tmp_path)


def test_the_environment_picks_the_overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIMME_ENV chooses among the environments of a file."""
    write(tmp_path, a=f"name: a\ndescription: plain\nenvironments: {{test: {{description: tested}}}}\n{GOOD}")
    assert load(tmp_path)["a"].description == "plain"
    monkeypatch.setenv("GIMME_ENV", "test")
    assert load(tmp_path)["a"].description == "tested"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Without its folder the loader's own file is the import error."""
    with pytest.raises(BundleError, match=r"cannot be read: .*\. Give load_workflows a folder"):
        load_workflows("nowhere", {"__file__": str(tmp_path / "load.py")})


def test_the_loader_stays_small() -> None:
    """The loader does little, and says in its docstring what it cannot do."""
    assert len(Path(loader.__file__).read_text().splitlines()) <= 50
