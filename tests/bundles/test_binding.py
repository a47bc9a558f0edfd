"""What the files of ``providers/`` bind in a folder of workflows, and what they do not break."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from airflow_provider_gimme.operators.fields import BINDINGS_FIELD, INACTIVE_FIELD, OUTCOME
from tests.bundles.conftest import World, stubs

BINDS = """provider: {{id: books}}
workflows:
  - {{workflow_id: {0}, triggers: [{{event: made}}]}}
  - {{workflow_id: {1}, triggers: [{{event: made}}, {{event: changed}}], priority: 3}}
"""


def published(world: World) -> dict[str, str]:
    bundle = world.bundle()
    bundle.refresh()
    return stubs(bundle)


def test_a_binding_travels_with_its_dag(world: World) -> None:
    """Each Dag has its own bindings, from the folders `providers` beside its file and above."""
    world.write("t/a.yaml", "id: a\n")
    world.write("t/u/b.yaml", "id: b\n")
    world.write("c.yaml", "id: c\n")
    world.write("t/providers/books.yaml", BINDS.format("a", "b"))
    found = published(world)
    assert [name for name, text in found.items() if "bindings=" in text] == ["a.workflow.py", "b.workflow.py"]
    assert '"priority":3' in found["b.workflow.py"]
    (world.folder / "t/providers/books.yaml").unlink()
    assert "bindings=" not in "".join(published(world).values())


def test_an_unknown_workflow_is_a_problem_of_that_file_alone(world: World) -> None:
    """It is told as an import error of the provider's file; its other bindings count, and nobody else is touched."""
    world.write("t/a.yaml", "id: a\n")
    world.write("c.yaml", "id: c\n")
    world.write("t/providers/books.yaml", BINDS.format("a", "c"))
    found = published(world)
    assert list(found) == ["a.workflow.py", "c.workflow.py", "t/providers/books.yaml.py"]
    assert ("bindings=" in found["a.workflow.py"], "bindings=" in found["c.workflow.py"]) == (True, False)
    with pytest.raises(ValueError, match=r"^t/providers/books.yaml:4:19: workflows\[1\].workflow_id: no workflow here"):
        exec(found["t/providers/books.yaml.py"], {})  # noqa: S102


def test_a_broken_file_keeps_its_last_good_bindings(world: World) -> None:
    """Also in another process, and after a restart; other files of the folder are not affected."""
    world.write("a.yaml", "id: a\n")
    world.write("b.yaml", "id: b\n")
    world.write("providers/books.yaml", BINDS.format("a", "b"))
    world.write("providers/other.yaml", "provider: {id: other}\nworkflows: []\n")
    before = published(world)
    world.write("providers/books.yaml", BINDS.format("a", "b").replace("event: made", "evnt: made"))
    after = published(world)
    assert "unknown key 'evnt'" in after.pop("providers/books.yaml.py")
    assert after == before
    assert "unknown key 'evnt'" in published(world)["providers/books.yaml.py"]


def test_a_loader_binds_as_well(tmp_path: Path) -> None:
    """With `load_workflows` the Dags have their bindings and tags, and a wrong file is a Dag tagged `broken`."""
    (tmp_path / "flows" / "providers").mkdir(parents=True)
    steps = "api_base: http://127.0.0.1:1\nsteps: [{name: s, endpoint: /s}]\n"
    (tmp_path / "flows" / "a.yaml").write_text(f"name: a\nactive: false\n{steps}")
    (tmp_path / "flows" / "providers" / "books.yaml").write_text(BINDS.format("a", "b"))
    (tmp_path / "dags.py").write_text(
        "from airflow_provider_gimme.loader import load_workflows\nload_workflows('flows', globals())\n"
    )
    made = runpy.run_path(str(tmp_path / "dags.py"))
    (text,) = getattr(made["dag_a"].get_task(OUTCOME), BINDINGS_FIELD)
    assert '"workflow_id":"a"' in text
    assert getattr(made["dag_a"].get_task(OUTCOME), INACTIVE_FIELD) == "true"
    assert made["dag_a"].tags == {"event:made"}
    assert made["dag_providers_books.yaml"].tags == {"broken"}
