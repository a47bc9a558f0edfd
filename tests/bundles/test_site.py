"""A workflow is checked as this Airflow would build it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_gimme.bundles.checking import Checked
from airflow_provider_gimme.bundles.site import SiteCheck
from airflow_provider_gimme.bundles.stubs import Stub, workflow_stub
from airflow_provider_gimme.errors import FunctionsError, WorkflowError
from airflow_provider_gimme.loading.surroundings import Surroundings

TEXT = """\
name: orders
description: "tab\\tand \\\\ and quotes"
api_base: http://127.0.0.1:1
schedule: "0 2 * * *"
pools: {shared: 3}
steps:
  - {name: a, endpoint: /a, pool: shared}
"""


@pytest.fixture
def plugins() -> Iterator[Path]:
    folder = Path(os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"])
    folder.mkdir(exist_ok=True)
    yield folder
    (folder / "gimme_bundles.py").unlink(missing_ok=True)


def test_a_good_workflow_tells_its_dag_and_pools() -> None:
    """What the check tells is the Dag's id and the slots of its pools."""
    assert SiteCheck()(TEXT, "a.yaml", None, Surroundings()) == Checked("orders", {"shared": 3})


def test_a_broken_workflow_tells_its_problems() -> None:
    """All problems of a text come at once."""
    with pytest.raises(WorkflowError, match=r"a\.yaml:8:1: .*extra"):
        SiteCheck()(TEXT + "extra: 1\n", "a.yaml", None, Surroundings())


def test_functions_of_the_site_are_known_and_part_of_the_key(plugins: Path) -> None:
    """A function that is put into the plugins folder makes a text good that used it before."""
    text = TEXT.replace("pool: shared}", "pool: shared, query: {q: '{{ shout(1) }}'}}")
    before = SiteCheck()
    key = before.key
    with pytest.raises(WorkflowError, match="shout"):
        before(text, "a.yaml", None, Surroundings())
    (plugins / "gimme_bundles.py").write_text('def shout(x):\n    return f"{x}!"\n')
    after = SiteCheck()
    assert after.key != key
    assert after(text, "a.yaml", None, Surroundings()).dag_id == "orders"


def test_broken_functions_of_the_site_are_no_problem_of_a_file(plugins: Path) -> None:
    """A function file that cannot be loaded is told as such."""
    (plugins / "gimme_bundles.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(FunctionsError, match="gimme_bundles"):
        SiteCheck()(TEXT, "a.yaml", None, Surroundings())


def test_a_stub_builds_its_dag_while_functions_of_the_site_are_broken(
    plugins: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is published stays a Dag: with a warning, and only the call of a broken function fails."""
    text = TEXT.replace("pool: shared}", "pool: shared, query: {q: '{{ shout(1) }}'}}")
    (plugins / "gimme_bundles.py").write_text('import nothing_of_that_name\ndef shout(x):\n    return f"{x}!"\n')
    namespace: dict[str, Any] = {}
    exec(workflow_stub(text, Stub(file="a.yaml")), namespace)  # noqa: S102
    assert namespace["dag"].dag_id == "orders"
    assert "gimme_bundles.py: cannot be imported" in caplog.text
    with pytest.raises(FunctionsError, match="gimme_bundles"):
        exec(workflow_stub(text.replace("shout", "other"), Stub(file="a.yaml")), {})  # noqa: S102


def test_a_stub_builds_its_dag(tmp_path: Path) -> None:
    """Python runs a stub and there is the Dag of the text, at the stub's own path, with what the stub says of it."""
    path = tmp_path / "orders.workflow.py"
    path.write_bytes(workflow_stub(TEXT, Stub(file="a.yaml", fingerprint="f" * 64, note="mind", scheduled=False)))
    namespace: dict[str, object] = {"__name__": "orders_workflow"}
    exec(compile(path.read_bytes(), str(path), "exec"), namespace)  # noqa: S102
    dag = namespace["dag"]
    assert isinstance(dag, DAG)
    assert dag.dag_id == "orders"
    assert dag.description == "tab\tand \\ and quotes"
    assert dag.fileloc == str(path)
    assert not dag.timetable.can_be_scheduled
    assert "mind" in str(dag.doc_md)
