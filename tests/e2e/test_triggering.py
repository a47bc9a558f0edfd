"""How runs are started on a running Airflow, how they are refused, and when none is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.errors import ApiError
from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.e2e.runs import Run, drop, own_text, start
from tests.standins import StandIn

pytestmark = pytest.mark.timeout(600)  # the first test waits for the runs of all

FORM = "trigger_form"


@pytest.fixture(scope="module")
def api() -> Iterator[StandIn]:
    with StandIn(token=API_KEY) as started:
        yield started


def _asleep(host: str, name: str, **changes: str) -> str:
    text = own_text("trigger_asleep", host).replace("trigger_asleep", name)
    for old, new in {"${START}": "2020-01-01", **changes}.items():
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def dropped(airflow: AirflowInstance, workflows: Path, api: StandIn) -> AirflowInstance:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    days_ago = hour_ago - timedelta(days=10)
    files = {
        FORM: own_text(FORM, api.url),
        "trigger_inactive": own_text("trigger_inactive", api.url),
        "trigger_every": _asleep(api.url, "trigger_every", **{"${START}": days_ago.isoformat()}),
        "trigger_cron": _asleep(api.url, "trigger_cron", **{"{every: 1d}": f'"{hour_ago:%-M %-H} * * *"'}),
    }
    drop(airflow, workflows, files)
    return airflow


@pytest.fixture(scope="module")
def begun(dropped: AirflowInstance) -> dict[str, Run]:
    """Give the runs that began, by how: all side by side."""
    dropped.unpause(FORM)
    command = dropped.airflow(
        "dags", "trigger", FORM, "--conf", json.dumps({"word": "command"}), "--run-id", "by_command"
    )
    assert "by_command" in command.stdout
    runs = {"command": Run(dropped, FORM, "by_command")}
    runs["rest"] = start(dropped, FORM, {"word": "rest", "count": 4})
    runs["form"] = _send_form(dropped, {"word": "form", "count": 3, "kind": None})
    runs["rule"] = start(dropped, FORM, {"word": "rule", "kind": "long"})
    runs["unknown"] = start(dropped, FORM, {"word": "unknown", "wrod": 1})
    runs["inactive"] = start(dropped, "trigger_inactive")
    return runs


def _send_form(airflow: AirflowInstance, conf: Mapping[str, Any]) -> Run:
    """Start a run with the request that the UI's form sends: with a logical date, a note, and null for empty fields."""
    body = {"conf": conf, "logical_date": datetime.now(UTC).isoformat(), "note": "by the form"}
    return Run(airflow, FORM, airflow.post(f"dags/{FORM}/dagRuns", body)["dag_run_id"])


def _queries(api: StandIn, run: Run) -> list[str]:
    return [call.query for call in api.ledger().calls if call.instance == run.run_id]


class TestStarted:
    @pytest.mark.parametrize("how,count", [("command", 3), ("rest", 4), ("form", 3)])
    def test_each_way_starts_it(self, begun: dict[str, Run], api: StandIn, how: str, count: int) -> None:
        """The command line, the REST API and the UI's form start a run with its conf and the schema's defaults."""
        run = begun[how]
        assert run.wait() == "success"
        assert _queries(api, run) == [f"word={how}&count={count}"]
        assert run.result() == {"state": "success", "results": {"result": {"word": how, "count": count}}}

    def test_the_form_has_a_field_for_each_input(self, dropped: AirflowInstance) -> None:
        """What the UI draws its form of has every input, its type, bounds, description and default."""
        params = dropped.get(f"dags/{FORM}/details")["params"]
        assert list(params) == ["word", "count", "kind"]
        assert params["word"]["description"] == "A word to look for"
        assert params["word"]["schema"]["minLength"] == 2
        assert (params["count"]["value"], params["count"]["schema"]["maximum"]) == (3, 9)
        assert params["kind"]["schema"]["enum"] == ["short", "long", None]


class TestRefused:
    @pytest.mark.parametrize(
        "conf,field",
        [({}, "word"), ({"word": "x"}, "word"), ({"word": 5}, "word"), ({"word": "xy", "count": 99}, "count")],
    )
    def test_a_wrong_value_starts_nothing(self, dropped: AirflowInstance, conf: dict[str, Any], field: str) -> None:
        """Airflow itself refuses a value that its field does not take, by the field's name."""
        with pytest.raises(ApiError, match=field) as refused:
            start(dropped, FORM, conf)
        assert refused.value.status == 400

    def test_the_command_refuses_too(self, dropped: AirflowInstance) -> None:
        """The command line refuses a wrong value by the field's name."""
        done = dropped.airflow("dags", "trigger", FORM, "--conf", '{"word": "xy", "count": 99}', check=False)
        assert done.returncode != 0
        assert "count" in done.stderr + done.stdout

    @pytest.mark.parametrize("how,field", [("rule", "count"), ("unknown", "wrod")])
    def test_a_broken_rule_ends_the_run_before_any_call(
        self, begun: dict[str, Run], api: StandIn, how: str, field: str
    ) -> None:
        """What only the whole schema tells fails the run before its first call, by the field's name."""
        run = begun[how]
        assert run.wait() == "failed"
        assert run.states()["inputs"] == "failed"
        assert run.states()["read"] == "upstream_failed"
        message = run.xcom("inputs", "error")["message"]
        assert message.startswith("the run's conf does not fit the workflow's inputs.")
        assert f"'{field}'" in message
        assert message.splitlines()[1] in "\n".join(_all_text(run, "outcome"))
        assert _queries(api, run) == []

    def test_an_inactive_workflow_says_why(self, begun: dict[str, Run], dropped: AirflowInstance, api: StandIn) -> None:
        """A workflow with `active: false` has no schedule, and a manual run is refused with the reason."""
        run = begun["inactive"]
        assert run.wait() == "failed"
        assert "switched off: its file says 'active: false'" in run.xcom("inputs", "error")["message"]
        assert _queries(api, run) == []
        assert dropped.get("dags/trigger_inactive")["next_dagrun_run_after"] is None


def _all_text(run: Run, task_id: str) -> list[str]:
    return run.airflow.logs(run.dag_id, run.run_id, task_id).replace("\\n", "\n").splitlines()


class TestDropped:
    @pytest.mark.parametrize("name", ["trigger_every", "trigger_cron"])
    def test_a_new_file_waits_for_its_next_time(
        self, dropped: AirflowInstance, begun: dict[str, Run], name: str
    ) -> None:
        """A scheduled workflow whose time passed an hour ago starts no run when its file is dropped."""
        for run in begun.values():
            run.wait()  # meanwhile the scheduler has looked at every Dag many times
        dag = dropped.get(f"dags/{name}")
        assert dag["is_paused"] is False
        due = datetime.fromisoformat(dag["next_dagrun_run_after"]) - datetime.now(UTC)
        assert timedelta(hours=22, minutes=30) < due <= timedelta(hours=23)
        assert dropped.get(f"dags/{name}/dagRuns")["dag_runs"] == []
