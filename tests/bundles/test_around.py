"""Defaults of folders and schemas shape the Dags of a bundle, and what becomes of these files breaks nobody else."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_gimme.bundles import WorkflowBundle
from tests.bundles.conftest import World, stubs

ORDERS = """\
name: orders
api_base: http://127.0.0.1:1
input_schema_id: order_v1
output_schema_id: receipt@1.0
steps:
  - {name: send, endpoint: /orders, method: POST}
"""
USERS = "name: users\napi_base: http://127.0.0.1:1\nsteps: [{name: read, endpoint: /users}]\n"
SCHEMA = """\
id: order_v1
definition: {type: object, required: [number], properties: {number: {type: integer}}}
"""
RECEIPT = "id: receipt\nversion: 1.0\ndefinition: {type: object}\n"


@pytest.fixture
def flows(world: World) -> World:
    """A folder in which one workflow has schemas and defaults, and another one only defaults, above it."""
    world.write("shop/orders.yaml", ORDERS)
    world.write("shop/_defaults.yaml", "timeout: 17s\n")
    world.write("shop/schemas/order.yaml", SCHEMA)
    world.write("shop/schemas/receipt.yaml", RECEIPT)
    world.write("shop/schemas/other.yaml", "id: other\ndefinition: {type: string}\n")
    world.write("users.yaml", USERS)
    return world


def bundle(world: World, version: str | None = None) -> WorkflowBundle:
    """Return the bundle as Airflow makes it: with the real check."""
    return WorkflowBundle(
        name="flows",
        path=str(world.folder),
        store=str(world.root / "store"),
        version=version,
        active_runs=world.active_runs,
        last_parsed=world.last_parsed,
        clock=lambda: world.now,
    )


def published(world: World) -> tuple[dict[str, str], str]:
    """Refresh, and return what Airflow finds, and its version."""
    made = bundle(world)
    made.refresh()
    version = made.get_current_version()
    assert version is not None
    return stubs(made), version.version


def dag_of(text: str, tmp_path: Path) -> DAG:
    """Build the Dag of a stub as Airflow does."""
    (tmp_path / "stub.py").write_text(text)
    made: Any = runpy.run_path(str(tmp_path / "stub.py"))["dag"]
    assert isinstance(made, DAG)
    return made


def limit_of(dag: DAG, task_id: str) -> float:
    """Return the seconds of a step's timeout."""
    seconds: float = dag.get_task(task_id).plan.by_id[task_id].timeout.total_seconds()  # type: ignore[union-attr]
    return seconds


def test_a_dag_is_built_of_the_texts_in_its_stub(flows: World, tmp_path: Path) -> None:
    """A stub has what shapes its Dag, readable, and no schema that it does not name; nothing else is read."""
    found, _ = published(flows)
    assert list(found) == ["orders.workflow.py", "users.workflow.py"]
    text = found["orders.workflow.py"]
    assert '\'shop/_defaults.yaml\': r"""\ntimeout: 17s\n' in text
    assert "schemas/other.yaml" not in text
    assert "around=" not in found["users.workflow.py"]
    dag = dag_of(text, tmp_path)
    assert limit_of(dag, "send") == 17
    assert dag.params.get_param("number").schema["type"] == "integer"
    assert sorted(dag.task_ids) == ["inputs", "outcome", "result", "send"]


def test_a_schema_that_nobody_names_changes_nothing(flows: World) -> None:
    """Only what a workflow uses is part of its version."""
    before = published(flows)
    flows.write("shop/schemas/other.yaml", "id: [broken\n")
    assert published(flows) == before


@pytest.mark.parametrize(
    "path, text, problem",
    [
        ("shop/_defaults.yaml", "tiemout: 17s\n", "'shop/_defaults.yaml', 1, 1, ''"),
        ("shop/_defaults.yaml", "retry: [\n", "'shop/_defaults.yaml', 2, 1, ''"),
        ("shop/_defaults.yaml", "timeout: soon\n", "'shop/_defaults.yaml', 1, 10, 'timeout'"),
        ("shop/schemas/order.yaml", SCHEMA.replace("integer", "int"), "'shop/schemas/order.yaml', 2, "),
        ("shop/schemas/order.yaml", "id: order\n", "no schema is called 'order_v1'."),
        ("shop/schemas/order.yaml", None, "no schema is called 'order_v1'."),
    ],
)
def test_what_is_broken_around_a_file_keeps_its_last_good_version(
    flows: World, path: str, text: str | None, problem: str
) -> None:
    """It is an import error of each workflow that uses it, whose Dag stays as it was; all others go on."""
    before, _ = published(flows)
    if text is None:
        (flows.folder / path).unlink()
    else:
        flows.write(path, text)
    flows.write("users.yaml", USERS.replace("/users", "/all"))
    after, _ = published(flows)
    assert list(after) == ["orders.workflow.py", "shop/orders.yaml.py", "users.workflow.py"]
    assert problem in after["shop/orders.yaml.py"]
    assert after["orders.workflow.py"].partition("around=")[2] == before["orders.workflow.py"].partition("around=")[2]
    assert "now has" in after["orders.workflow.py"]
    assert "/all" in after["users.workflow.py"]
    assert published(flows)[0] == after


def test_a_version_keeps_what_was_around_its_files(flows: World, tmp_path: Path) -> None:
    """A run under way finishes with the defaults and schemas that it began with: edited, removed, and rebuilt."""
    before, first = published(flows)
    flows.write("shop/_defaults.yaml", "timeout: 99s\n")
    flows.write("shop/schemas/order.yaml", SCHEMA.replace("integer", "string"))
    edited, second = published(flows)
    dag = dag_of(edited["orders.workflow.py"], tmp_path)
    assert (limit_of(dag, "send"), dag.params.get_param("number").schema["type"]) == (99, "string")
    (flows.folder / "shop/_defaults.yaml").unlink()
    removed, third = published(flows)
    assert limit_of(dag_of(removed["orders.workflow.py"], tmp_path), "send") == 600
    assert len({first, second, third}) == 3
    old = bundle(flows, first)
    old.initialize()
    assert stubs(old) == before
    assert limit_of(dag_of(stubs(old)["orders.workflow.py"], tmp_path), "send") == 17


def test_a_removed_folder_leaves_its_dags_as_they_were(flows: World, tmp_path: Path) -> None:
    """Without its file, a Dag is built of the texts that were kept, until its runs have ended."""
    published(flows)
    flows.running = frozenset({"orders"})
    for path in sorted((flows.folder / "shop").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    found, _ = published(flows)
    assert "scheduled=False" in found["orders.workflow.py"]
    assert limit_of(dag_of(found["orders.workflow.py"], tmp_path), "send") == 17


def test_a_loader_reads_what_is_around_as_well(flows: World) -> None:
    """With `load_workflows` the defaults and schemas count, and a broken one is a broken Dag of that file alone."""
    source = "from airflow_provider_gimme.loader import load_workflows\nload_workflows('workflows', globals())\n"
    (flows.root / "dags.py").write_text(source)
    made = runpy.run_path(str(flows.root / "dags.py"))
    assert limit_of(made["dag_orders"], "send") == 17
    flows.write("shop/schemas/receipt.yaml", "id: receipt\nversion: 2.0\ndefinition: {type: object}\n")
    made = runpy.run_path(str(flows.root / "dags.py"))
    assert made["dag_orders"].tags == {"broken"}
    assert "shop/orders.yaml:4:19: output_schema_id: schema 'receipt' has no version '1.0'" in made["dag_orders"].doc_md
    assert made["dag_users"].tags == set()
