"""The Airflow that the other end-to-end tests stand on does what they rely on."""

from __future__ import annotations

import pickle
import textwrap
from pathlib import Path

import psutil
import pytest

from demo.errors import ApiError, DemoError
from demo.instance import COMPONENTS, AirflowInstance
from tests.conftest import BREAKING, E2E, process_of
from tests.e2e.conftest import BREAKABLE

_PLAIN = textwrap.dedent(
    """
    from airflow.sdk import Param, dag, task


    @dag(dag_id={name!r}, schedule=None, params={{"n": Param(20, type="integer")}})
    def plain():
        @task
        def double(params, task_state_store):
            print("doubling", params["n"])
            task_state_store.set("seen", params["n"])
            return params["n"] * 2

        @task
        def add(n):
            return n + 2

        add(double())


    plain()
    """
)


def _drop(folder: Path, name: str, text: str = _PLAIN) -> None:
    (folder / f"{name}.py").write_text(text.format(name=name))


def _runs(pid: int) -> bool:
    """Tell whether a process runs; one that has ended may still wait for its parent to ask."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_what_breaks_its_airflow_has_one_to_itself(request: pytest.FixtureRequest, airflow: AirflowInstance) -> None:
    """However many processes test: all such modules are handed to one, and the others share another Airflow."""
    groups = {item.path.stem: process_of(item.nodeid) for item in request.session.items if E2E in item.path.parents}
    assert {groups[name] for name in groups if name in BREAKING} == {"breaking"}
    assert all(group.endswith(f"{name}.py") for name, group in groups.items() if name not in BREAKING)
    assert airflow.home.parent.name == BREAKABLE


def test_a_pickled_copy_speaks_to_the_same_airflow_and_owns_nothing(airflow: AirflowInstance) -> None:
    """As another process that tests does: it asks and is answered, and to stop it ends no process."""
    copy = pickle.loads(pickle.dumps(airflow))  # noqa: S301 - our own
    assert copy.health()["scheduler"]["status"] == "healthy"
    assert (copy.environment, copy.database) == (airflow.environment, airflow.database)
    assert copy.processes() == []
    copy.stop()
    assert all(airflow.is_running(component) for component in COMPONENTS)


def test_a_run_is_triggered_watched_and_looked_into(airflow: AirflowInstance, dags: Path) -> None:
    """A run takes its conf, ends in success, and shows its tasks, XComs, state and logs by REST."""
    _drop(dags, "harness_plain")
    airflow.wait_dag("harness_plain")
    run_id = airflow.trigger("harness_plain", {"n": 21})
    assert airflow.wait_run("harness_plain", run_id) == "success"
    instances = airflow.task_instances("harness_plain", run_id)
    assert {task_id: each["state"] for task_id, each in instances.items()} == {"double": "success", "add": "success"}
    assert airflow.xcom("harness_plain", run_id, "add") == 44
    assert airflow.task_state("harness_plain", run_id, "double") == {"seen": 21}
    assert "doubling 21" in airflow.logs("harness_plain", run_id, "double")


def test_an_edited_file_is_an_edited_dag(airflow: AirflowInstance, dags: Path) -> None:
    """A changed file is parsed within seconds, not after Airflow's default minutes."""
    _drop(dags, "harness_edited")
    airflow.wait_dag("harness_edited")
    _drop(dags, "harness_edited", _PLAIN.replace("n + 2", "n + 2000"))
    airflow.wait(lambda: "2000" in airflow.get("dagSources/harness_edited")["content"] or None, "the new source")


def test_a_broken_file_is_an_import_error(airflow: AirflowInstance, dags: Path) -> None:
    """A file that cannot be imported is listed with its error, and removing it removes the error."""
    broken = dags / "harness_broken.py"
    broken.write_text("from airflow.sdk import dag\nraise ValueError('broken on purpose')\n")
    text = airflow.wait(lambda: airflow.import_errors().get(broken.name), "the import error")
    assert "broken on purpose" in text
    with pytest.raises(DemoError, match=r"harness_broken\.py has problems:\n[^$]*broken on purpose"):
        airflow.wait_dag("harness_broken", file=broken.name)
    broken.unlink()
    airflow.wait(lambda: broken.name not in airflow.import_errors() or None, "the import error to go away")


def test_a_refused_request_says_what_was_refused(airflow: AirflowInstance) -> None:
    """An error of the API carries its status, and its message names the request."""
    with pytest.raises(ApiError, match=r"GET /api/v2/dags/nothing answered 404") as caught:
        airflow.get("dags/nothing")
    assert caught.value.status == 404


def test_the_command_line_speaks_to_the_same_airflow(airflow: AirflowInstance, dags: Path) -> None:
    """A command runs against the database of the instance."""
    done = airflow.airflow("config", "get-value", "database", "sql_alchemy_conn")
    assert airflow.settings.sql_alchemy_conn in done.stdout


def test_one_that_is_stopped_in_the_middle_of_a_task_ends_without_trace(airflow: AirflowInstance, dags: Path) -> None:
    """It leaves no process; the test comes last, as nothing runs on this Airflow after it."""
    _drop(dags, "harness_long", _PLAIN.replace('print("doubling", params["n"])', "__import__('time').sleep(300)"))
    airflow.wait_dag("harness_long")
    run_id = airflow.trigger("harness_long")
    airflow.wait_task("harness_long", run_id, "double", frozenset({"running"}))
    processes = airflow.processes()
    assert {airflow.pid(component) for component in COMPONENTS} < set(processes)
    airflow.stop()
    assert not [pid for pid in processes if _runs(pid)]
