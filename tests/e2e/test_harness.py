"""The Airflow that the other end-to-end tests stand on does what they rely on."""

from __future__ import annotations

import signal
import textwrap
from pathlib import Path

import psutil
import pytest

from demo.environment import LOCAL_BUNDLE, Bundle
from demo.errors import ApiError, DemoError
from demo.instance import COMPONENTS, AirflowInstance
from tests.conftest import airflow_of

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


def test_there_is_one_shared_airflow_however_many_processes_test(request: pytest.FixtureRequest) -> None:
    """All tests that use it are handed to one process, and come first."""
    items = request.session.items
    sharing = [index for index, item in enumerate(items) if "airflow" in getattr(item, "fixturenames", ())]
    assert {airflow_of(items[index].nodeid) for index in sharing} <= {"airflow"}
    groups = [airflow_of(item.nodeid) for item in items]
    assert groups == sorted(groups, key=lambda group: group != "airflow")


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
    assert str(airflow.database) in done.stdout


def test_a_killed_scheduler_is_started_again(airflow: AirflowInstance, dags: Path) -> None:
    """A run triggered while the scheduler is dead ends in success once there is a new one."""
    _drop(dags, "harness_killed")
    airflow.wait_dag("harness_killed")
    killed = airflow.pid("scheduler")
    airflow.kill("scheduler", signal.SIGKILL)
    run_id = airflow.trigger("harness_killed")
    assert not _runs(killed)
    airflow.restart("scheduler")
    assert airflow.pid("scheduler") != killed
    assert airflow.wait_run("harness_killed", run_id) == "success"


@pytest.mark.timeout(300)
def test_two_airflows_run_side_by_side_and_one_ends_without_trace(
    airflow: AirflowInstance, dags: Path, tmp_path: Path
) -> None:
    """A second Airflow runs its own Dags on its own ports; stopped in the middle of a task, it leaves no process."""
    folder = tmp_path / "dags"
    folder.mkdir()
    text = _PLAIN.replace('print("doubling", params["n"])', "__import__('time').sleep(300)")
    _drop(folder, "harness_other", text)
    bundle = Bundle("dags", LOCAL_BUNDLE, {"path": str(folder)})
    with AirflowInstance(tmp_path / "home", bundles=[bundle]) as other:
        other.wait_dag("harness_other")
        run_id = other.trigger("harness_other")
        other.wait_task("harness_other", run_id, "double", frozenset({"running"}))
        processes = other.processes()
        assert {other.pid(component) for component in COMPONENTS} < set(processes)
    assert not [pid for pid in processes if _runs(pid)]
    with pytest.raises(ApiError, match="404"):
        airflow.get("dags/harness_other")
    assert airflow.health()["scheduler"]["status"] == "healthy"
