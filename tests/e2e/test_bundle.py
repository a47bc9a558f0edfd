"""A folder of workflow files on a running Airflow: edited, broken and removed while runs are under way."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, Run, drop, start, wait_for_text

pytestmark = pytest.mark.timeout(420)

NEWER_VERSIONS = 11
STEPS = ("one", "two", "three")


class Echo(BaseHTTPRequestHandler):
    """Answer ``/WORD/SECONDS`` with the word, after that time."""

    def do_GET(self) -> None:
        _, word, seconds = self.path.split("/")
        time.sleep(float(seconds))
        body = json.dumps(word).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing; pytest shows what matters."""


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """Give the base URL of a server that echoes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def workflow(name: str, api: str, word: str, seconds: float = 8) -> str:
    """Write a workflow of three steps that all say ``word``; the first takes its time."""
    calls = [f"  - {{name: {step}, endpoint: /{word}/{seconds if step == 'one' else 0}}}" for step in STEPS]
    return f"name: {name}\napi_base: {api}\nsteps:\n" + "\n".join(calls) + "\n"


def words(run: Run) -> set[str]:
    """Return what the steps of a run were told: one word if it ran on one version."""
    return {run.xcom(step) for step in STEPS}


class Folder:
    """A folder of workflows with runs under way, of which the files have changed since."""

    def __init__(self, airflow: AirflowInstance, path: Path, api: str) -> None:
        self.airflow, self.path, self.api = airflow, path, api
        self.runs: dict[str, Run] = {}

    def begin(self, seconds: dict[str, float]) -> None:
        """Drop a file for each name and wait until the first step of each run is at work."""
        drop(self.airflow, self.path, {name: workflow(name, self.api, "v1", each) for name, each in seconds.items()})
        self.runs = {name: start(self.airflow, name) for name in seconds}
        for name, run in self.runs.items():
            self.airflow.wait_task(name, run.run_id, "one", frozenset({"running"}), PATIENCE)

    def write(self, name: str, text: str) -> None:
        """Put a file into the folder as editors do: beside it, then in its place."""
        draft = self.path / f".{name}.draft"
        draft.write_text(text)
        draft.rename(self.path / f"{name}.yaml")

    def version(self) -> str:
        """Return the version of the folder that is in force."""
        state = json.loads((self.airflow.home / "gimme" / "bundles" / "workflows" / "state.json").read_text())
        return str(state["version"])

    def make_newer_versions(self, count: int) -> None:
        """Edit one calm file until the folder has had that many newer versions."""
        for number in range(count):
            before = self.version()
            self.write("bundle_calm", workflow("bundle_calm", self.api, f"n{number}", 0))
            self.airflow.wait(partial(self.is_newer_than, before), "a newer version", PATIENCE)

    def is_newer_than(self, version: str) -> bool | None:
        """Say whether another version is in force; None while it is not."""
        return self.version() != version or None


@pytest.fixture(scope="module")
def folder(airflow: AirflowInstance, workflows: Path, api: str) -> Folder:
    """Give the folder after all of it happened: an edit, a broken edit, a removal, and many newer versions."""
    world = Folder(airflow, workflows, api)
    world.begin({"bundle_edited": 10, "bundle_broken": 10, "bundle_removed": 10, "bundle_old": 45})
    world.write("bundle_edited", workflow("bundle_edited", api, "v2", 0))
    world.write("bundle_broken", workflow("bundle_broken", api, "v2", 0) + "retires: 3\n")
    (workflows / "bundle_removed.yaml").unlink()
    world.make_newer_versions(NEWER_VERSIONS)
    world.write("bundle_old", workflow("bundle_old", api, "v2", 0))
    shutil.rmtree(airflow.home / "bundles" / "workflows" / "versions")
    return world


@pytest.mark.parametrize("name", ["bundle_edited", "bundle_broken", "bundle_removed"])
def test_a_run_under_way_finishes_on_the_version_it_began_with(folder: Folder, name: str) -> None:
    """Whatever happens to its file, all steps of a run are of one text."""
    assert folder.runs[name].wait() == "success"
    assert words(folder.runs[name]) == {"v1"}


def test_a_version_is_rebuilt_exactly_after_many_newer_ones(folder: Folder) -> None:
    """Airflow may delete what it keeps of old versions; a run that still needs one gets it back."""
    assert folder.runs["bundle_old"].wait() == "success"
    assert words(folder.runs["bundle_old"]) == {"v1"}


def test_an_edited_file_shows_up_at_the_next_refresh(folder: Folder) -> None:
    """The next run is of the new text."""
    wait_for_text(folder.airflow, "bundle_edited", workflow("bundle_edited", folder.api, "v2", 0))
    run = start(folder.airflow, "bundle_edited")
    assert run.wait() == "success"
    assert words(run) == {"v2"}


def test_a_broken_file_is_its_own_import_error_and_stops_nobody(folder: Folder) -> None:
    """The error names file, line and way out; runs go on with the last good text, of this file too."""
    errors = folder.airflow.wait(lambda: folder.airflow.import_errors() or None, "the import error", PATIENCE)
    (text,) = [text for file, text in errors.items() if "bundle_broken" in file]
    assert "bundle_broken.yaml:7:1: unknown key 'retires'" in text
    run = start(folder.airflow, "bundle_broken")
    assert run.wait() == "success"
    assert words(run) == {"v1"}
    tags = {tag["name"] for tag in folder.airflow.get("dags/bundle_broken")["tags"]}
    assert "broken" in tags


def test_the_error_goes_when_the_file_is_mended(folder: Folder) -> None:
    """A good text takes the place of the broken one, and the import error is gone."""
    text = workflow("bundle_broken", folder.api, "v3", 0)
    folder.write("bundle_broken", text)
    folder.airflow.wait(
        lambda: not any("bundle_broken" in file for file in folder.airflow.import_errors()) or None,
        "the end of the import error",
        PATIENCE,
    )
    wait_for_text(folder.airflow, "bundle_broken", text)
    run = start(folder.airflow, "bundle_broken")
    assert run.wait() == "success"
    assert words(run) == {"v3"}


def test_the_dag_of_a_removed_file_goes_when_its_runs_have_ended(folder: Folder) -> None:
    """While a run was under way the Dag stayed; then it leaves Airflow's list."""
    assert folder.runs["bundle_removed"].wait() == "success"
    folder.airflow.wait(
        lambda: folder.airflow.get("dags/bundle_removed")["is_stale"] or None, "the end of the Dag", PATIENCE
    )


def test_the_code_tab_reads_as_the_file(folder: Folder) -> None:
    """What Airflow shows as the Dag's code is the YAML, and no more than two lines of Python around it."""
    text = workflow("bundle_edited", folder.api, "v2", 0)
    shown = folder.airflow.get("dagSources/bundle_edited")["content"]
    assert text.strip() in shown
    assert len(shown.strip().splitlines()) <= len(text.strip().splitlines()) + 4
