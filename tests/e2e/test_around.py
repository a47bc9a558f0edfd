"""Defaults and schemas that change, break and go while runs of their workflows are under way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, Run, drop, start, wait_for_text
from tests.standins import StandIn

pytestmark = pytest.mark.timeout(420)

NAME = "around_read"
FLOW = """
name: around_read
api_base: API
input_schema_id: user
steps:
  - {name: one, endpoint: /users/1}
  - {name: two, endpoint: /users/2}
  - {name: three, endpoint: /users/3}
"""
SCHEMA = "id: user\ndefinition: {type: object, properties: {n: {type: integer}}}\n"


def defaults(word: str) -> str:
    return f"headers: {{X-Word: {word}}}\n"


@pytest.fixture(scope="module")
def api() -> Iterator[StandIn]:
    with StandIn("hello") as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def folder(airflow: AirflowInstance, workflows: Path, api: StandIn) -> Path:
    """Give a folder with a workflow, its defaults and its schema, on the running Airflow."""
    made = workflows / "around"
    (made / "schemas").mkdir(parents=True)
    (made / "_defaults.yaml").write_text(defaults("first"))
    (made / "schemas" / "user.yaml").write_text(SCHEMA)
    drop(airflow, made, {NAME: FLOW.replace("API", api.url)})
    return made


def words(api: StandIn, run: Run) -> list[str | None]:
    """Return what the defaults gave each call of a run, in order."""
    return [call.header("X-Word") for call in api.ledger().calls if call.instance == run.run_id]


def import_errors(airflow: AirflowInstance) -> str:
    """Return the import errors of the folder's files; empty where there are none."""
    return "\n".join(text for file, text in airflow.import_errors().items() if "around/" in file)


def test_a_run_keeps_the_defaults_that_it_began_with(airflow: AirflowInstance, folder: Path, api: StandIn) -> None:
    """Edited under way, they count from the next run on; every call of a run has those of its version."""
    api.fail("/users/1", stall=15)
    run = start(airflow, NAME)
    airflow.wait(lambda: api.calls("/users/1") or None, "the first call", PATIENCE)
    (folder / "_defaults.yaml").write_text(defaults("second"))
    wait_for_text(airflow, NAME, defaults("second"))
    assert run.wait() == "success"
    assert words(api, run) == ["first"] * 3
    later = start(airflow, NAME)
    assert later.wait() == "success"
    assert words(api, later) == ["second"] * 3


@pytest.mark.parametrize(
    "change, told",
    [
        (("_defaults.yaml", "haeders: {X-Word: third}\n"), "around/_defaults.yaml:1:1: unknown key 'haeders'"),
        (("schemas/user.yaml", None), "input_schema_id: no schema is called 'user'"),
    ],
)
def test_what_breaks_is_told_and_stops_nobody(
    airflow: AirflowInstance, folder: Path, api: StandIn, change: tuple[str, str | None], told: str
) -> None:
    """A broken or missing file is an import error of the workflow that uses it, which runs on as it last was good."""
    path, text = change
    before = (folder / path).read_text()
    if text is None:
        (folder / path).unlink()
    else:
        (folder / path).write_text(text)
    airflow.wait(lambda: (told in import_errors(airflow)) or None, "the import error", PATIENCE)
    run = start(airflow, NAME, {"n": 1})
    assert run.wait() == "success"
    assert words(api, run) == ["second"] * 3
    (folder / path).write_text(before)
    airflow.wait(lambda: not import_errors(airflow) or None, "the end of the import error", PATIENCE)
