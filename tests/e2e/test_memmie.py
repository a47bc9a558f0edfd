"""Memmie's workflows on a running Airflow: both of the document's own, unchanged, and what starts and follows them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from demo.errors import ApiError
from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, ROOT, Run, drop, start
from tests.standins import Call, StandIn

pytestmark = pytest.mark.timeout(700)  # runs of a workflow wait for each other

CONFIGS = ROOT / "workflow_configs" / "memmie"
USER = "0b7ad2d4-5b52-4c5e-9c0f-3a4b8f5f1d10"
PROVIDERS = ["grammar", "style"]

VALIDATE, EXTRACT, TRIGGER, GENERATE = "/blobs/validate", "/blobs/metadata", "/providers/trigger", "/deltas/generate"
ROLLBACK, APPLY, DELTAS, CHECK = "/providers/rollback", "/deltas/apply", "/deltas", "/consistency/check"
STEPS = ("validate_blob", "extract_metadata", "trigger_providers", "generate_deltas")


@dataclass(frozen=True)
class World:
    """The running Airflow, the studio and the core."""

    airflow: AirflowInstance
    studio: StandIn
    core: StandIn

    def blob(self, content: Any, **metadata: Any) -> str:
        """Store a blob in the studio and return its id."""
        body = {"content": content, "metadata": metadata}
        answer = httpx.post(f"{self.studio.url}/blobs", json=body, trust_env=False)
        return str(answer.raise_for_status().json()["id"])

    def read(self, path: str) -> Any:
        """Return what the studio answers, as somebody who is no workflow."""
        return httpx.get(f"{self.studio.url}{path}", trust_env=False).raise_for_status().json()

    def process(self, content: Any = "Once upon a time.") -> tuple[Run, str]:
        """Start the document's first workflow for a new blob."""
        blob = self.blob(content)
        conf = {"blob_id": blob, "user_id": USER, "provider_ids": PROVIDERS, "schema_id": "chapter_v1"}
        return start(self.airflow, "blob_processing_workflow", conf), blob

    def send(self, event_id: str, data: Any, event: str = "onCreate") -> dict[str, Any]:
        """Tell Airflow of an event, as the studio does, and return the answer."""
        body = {"id": event_id, "source": "/studio", "type": event, "data": data}
        headers = {"Authorization": f"Bearer {self.airflow.token()}"}
        url = f"{self.airflow.url}/gimme/api/v1/events"
        answer: dict[str, Any] = httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False).json()
        return answer

    def calls(self, run: Run) -> list[Call]:
        """Return the calls that a run has made, of both services, in order of their arrival."""
        found = [*self.studio.ledger().calls, *self.core.ledger().calls]
        return sorted((call for call in found if call.instance == run.run_id), key=lambda call: call.opened)

    def paths(self, run: Run) -> list[str]:
        """Return where a run has called, in order."""
        return [call.path for call in self.calls(run)]

    def child(self, run: Run, task_id: str) -> Run:
        """Return the run that a step has started."""
        told = run.xcom(task_id, "child_run")
        return Run(self.airflow, told["workflow"], told["run_id"])


def connect(airflow: AirflowInstance, name: str, url: str) -> None:
    """Make the Airflow connection of a service."""
    host = urlsplit(url)
    body = {"connection_id": name, "conn_type": "http", "host": host.hostname, "port": host.port, "schema": "http"}
    airflow.post("connections", body)


@pytest.fixture(scope="module")
def memmie(airflow: AirflowInstance, workflows: Path) -> Iterator[World]:
    """Give the shipped folder in the shared Airflow, with the services that its connections name."""
    folder = workflows / "memmie"
    for part in ("schemas", "providers"):
        shutil.copytree(CONFIGS / part, folder / part)
    texts = [path.read_text() for path in sorted(CONFIGS.glob("*.yaml"))]
    files = {text.partition("\nid: ")[2].partition("\n")[0]: text for text in texts}
    files["book_chapter_impatient"] = (
        files["book_chapter_expansion"]
        .replace("id: book_chapter_expansion", "id: book_chapter_impatient")
        .replace("timeout_seconds: 60", "timeout_seconds: 2")
    )
    with StandIn("studio") as studio, StandIn("core") as core:
        connect(airflow, "studio", studio.url)
        connect(airflow, "core", core.url)
        drop(airflow, folder, files)
        for dag_id in files:
            airflow.unpause(dag_id)
        yield World(airflow, studio, core)


def ended(run: Run) -> tuple[str, list[str]]:
    """Wait for a run that starts others; return its state, and the errors of its tasks."""
    state = run.wait(2 * PATIENCE)
    failed = [name for name, each in run.states().items() if each == "failed" and name != "outcome"]
    return state, [f"{name}: {' '.join(run.whole_log(name)[-40:])}" for name in failed]


def states_of(run: Run, *names: str) -> dict[str, str | None]:
    """Return the states of some tasks."""
    states = run.states()
    return {name: states[name] for name in names}


class TestBlobProcessing:
    """The document's first workflow."""

    def test_a_blob_is_processed(self, memmie: World) -> None:
        """Four calls, each with what the one before gave; the result fits its schema, and nothing is rolled back."""
        run, blob = memmie.process()
        assert run.wait() == "success"
        validate, extract, trigger, generate = memmie.calls(run)
        assert [call.path for call in (validate, extract, trigger, generate)] == [VALIDATE, EXTRACT, TRIGGER, GENERATE]
        assert validate.json == {"blob_id": blob, "schema_id": "chapter_v1"}
        assert extract.json == {"blob_id": blob, "extract_fields": ["content_type", "size", "checksum"]}
        assert (trigger.json["provider_ids"], trigger.json["metadata"]["size"]) == (PROVIDERS, 17)
        outputs = [{"provider_id": name, "status": "completed"} for name in PROVIDERS]
        assert generate.json["provider_outputs"] == {"blob_id": blob, "outputs": outputs}
        result = run.xcom("result")
        assert [delta["provider_id"] for delta in result["deltas"]] == PROVIDERS
        assert len(result["new_blob_ids"]) == 2
        assert states_of(run, "undo.trigger_providers", "outcome") == {
            "undo.trigger_providers": "skipped",
            "outcome": "success",
        }

    def test_its_output_becomes_deltas_that_can_be_read_back(self, memmie: World) -> None:
        """Operations, transformed content and created blobs become deltas, are applied once, and are the history."""
        blob, made = memmie.blob("Once."), memmie.blob("Twice.")
        output = {
            "execution_id": "exec-1",
            "delta_operations": [{"type": "set", "path": "/metadata/status", "new_value": {"draft": 2}}],
            "transformed_content": 'Once, she said "never".',
            "created_blobs": [made],
        }
        conf = {"blob_id": blob, "provider_id": "book-writer", "workflow_output": output}
        run = start(memmie.airflow, "blob_delta_application", conf)
        assert run.wait() == "success"
        assert memmie.paths(run) == [APPLY, DELTAS]
        history = memmie.read(f"/deltas?blob_id={blob}")["deltas"]
        assert [(delta["type"], delta["path"], delta["new_value"]) for delta in history] == [
            ("set", "/metadata/status", {"draft": 2}),
            ("transform", "/content", 'Once, she said "never".'),
            ("create_derived", "/derived", made),
        ]
        assert history[1]["metadata"] == {"workflow_execution_id": "exec-1"}
        assert {(delta["blob_id"], delta["provider_id"]) for delta in history} == {(blob, "book-writer")}
        assert len({delta["id"] for delta in history}) == 3
        assert run.xcom("result") == {"deltas": history, "new_blob_ids": [made]}
        changed = memmie.read(f"/blobs/{blob}")
        assert (changed["content"], changed["derived"], changed["version"]) == ('Once, she said "never".', [made], 4)

    def test_a_lost_answer_applies_nothing_twice(self, memmie: World) -> None:
        """A call that was processed and broke off is made again under its key; each delta is there once."""
        blob = memmie.blob("Once.")
        memmie.studio.fail(APPLY, where={"blob_id": blob}, cut="headers")
        conf = {"blob_id": blob, "provider_id": "p", "workflow_output": {"transformed_content": "Again."}}
        run = start(memmie.airflow, "blob_delta_application", conf)
        assert run.wait() == "success"
        first, second, _ = memmie.calls(run)
        assert (first.key, first.body, memmie.paths(run)) == (second.key, second.body, [APPLY, APPLY, DELTAS])
        assert len(memmie.read(f"/deltas?blob_id={blob}")["deltas"]) == 1

    def test_without_anything_to_keep_nothing_is_applied(self, memmie: World) -> None:
        """An output that changes nothing costs one call, which reads the history."""
        conf = {"blob_id": memmie.blob("Once."), "provider_id": "p", "workflow_output": {}}
        run = start(memmie.airflow, "blob_delta_application", conf)
        assert (run.wait(), memmie.paths(run)) == ("success", [DELTAS])
        assert run.xcom("result") == {"deltas": [], "new_blob_ids": []}


class TestFailures:
    """What the document says of failures, each at a blob of its own."""

    def test_an_invalid_blob_has_no_metadata(self, memmie: World) -> None:
        """Where validation says so, its metadata is not extracted; the steps after it go on without."""
        run, _ = memmie.process(content=None)
        assert run.wait() == "success"
        assert memmie.paths(run) == [VALIDATE, TRIGGER, GENERATE]
        assert memmie.calls(run)[1].json["metadata"] is None
        assert run.xcom("validate_blob")["errors"][0]["path"] == "/content"
        assert states_of(run, *STEPS)["extract_metadata"] == "skipped"

    def test_validation_is_tried_twice(self, memmie: World) -> None:
        """`max_attempts: 2` is one attempt more, after `backoff_ms`, under the first one's key."""
        run, blob = memmie.process()
        memmie.studio.fail(VALIDATE, where={"blob_id": blob}, status=503)
        assert run.wait() == "success"
        first, second, *others = memmie.calls(run)
        assert (first.status, second.status, first.key) == (503, 200, second.key)
        assert second.opened - first.opened >= 1
        assert [call.path for call in others] == [EXTRACT, TRIGGER, GENERATE]

    def test_a_validation_that_fails_ends_the_run(self, memmie: World) -> None:
        """`on_failure: fail`: after its second attempt nothing else is called, and nothing is there to undo."""
        run, blob = memmie.process()
        memmie.studio.fail(VALIDATE, where={"blob_id": blob}, nth=None, status=500)
        assert run.wait() == "failed"
        assert Counter(memmie.paths(run)) == {VALIDATE: 2}
        assert states_of(run, *STEPS[1:]) == dict.fromkeys(STEPS[1:], "upstream_failed")

    def test_providers_that_fail_are_tolerated(self, memmie: World) -> None:
        """`on_failure: continue`: the run goes on with nothing from them, and is not rolled back."""
        run, blob = memmie.process()
        memmie.studio.fail(TRIGGER, where={"blob_id": blob}, nth=None, status=500)
        assert run.wait() == "success"
        assert memmie.paths(run) == [VALIDATE, EXTRACT, TRIGGER, GENERATE]
        assert memmie.calls(run)[3].json["provider_outputs"] is None
        assert run.xcom("result") == {"deltas": [], "new_blob_ids": []}
        assert (run.states()["trigger_providers"], run.xcom("trigger_providers", "skip")) == ("skipped", "tolerated")

    def test_providers_are_rolled_back_when_no_deltas_come(self, memmie: World) -> None:
        """A later failure undoes what was triggered, once, for this execution, with retries under one key."""
        run, blob = memmie.process()
        memmie.studio.fail(GENERATE, where={"blob_id": blob}, nth=None, status=500)
        memmie.studio.fail(ROLLBACK, where={"blob_id": blob}, status=503)
        assert run.wait() == "failed"
        assert memmie.paths(run) == [VALIDATE, EXTRACT, TRIGGER, GENERATE, ROLLBACK, ROLLBACK]
        first, second = memmie.calls(run)[4:]
        assert first.json == second.json == {"blob_id": blob, "execution_id": run.run_id}
        assert (first.status, second.status, first.key) == (503, 200, second.key)
        ours = [each for each in memmie.studio.state()["triggers"] if each["blob_id"] == blob]
        assert {each["rolled_back_by"] for each in ours} == {run.run_id}
        assert run.xcom("outcome", "compensation")["undone"] == ["trigger_providers"]

    def test_a_result_that_breaks_its_schema_fails_the_run(self, memmie: World) -> None:
        """Each wrong place is named, and what was triggered is rolled back."""
        run, blob = memmie.process()
        answer = {"deltas": [{"id": "none", "blob_id": blob}], "created_blobs": ["new"]}
        memmie.studio.fail(GENERATE, where={"blob_id": blob}, status=200, body=answer)
        assert run.wait() == "failed"
        assert states_of(run, *STEPS, "result") == {**dict.fromkeys(STEPS, "success"), "result": "failed"}
        told = run.xcom("result", "error")["message"]
        assert "does not fit the schema 'blob_output_schema_v1'" in told
        assert "- 'deltas[0].id': 'none' is not a 'uuid'" in told
        assert "- 'new_blob_ids[0]': 'new' is not a 'uuid'" in told
        assert memmie.paths(run) == [VALIDATE, EXTRACT, TRIGGER, GENERATE, ROLLBACK]

    @pytest.mark.parametrize(
        "wrong, place",
        [
            ({"blob_id": "chapter-7"}, "blob_id"),
            ({"provider_ids": [7]}, "provider_ids"),
            ({"user_id": None}, "user_id"),
        ],
    )
    def test_wrong_inputs_start_nothing(self, memmie: World, wrong: Mapping[str, Any], place: str) -> None:
        """Inputs that the schema refuses are refused when a run is to begin, by name; nobody is called."""
        before = (len(memmie.studio.ledger().calls), self._runs(memmie))
        conf = {"blob_id": USER, "user_id": USER, "provider_ids": PROVIDERS, **wrong}
        with pytest.raises(ApiError) as refused:
            start(memmie.airflow, "blob_processing_workflow", conf)
        assert refused.value.status == 400
        assert f"'{place}'" in str(refused.value) or f"param {place}" in str(refused.value)
        assert (len(memmie.studio.ledger().calls), self._runs(memmie)) == before

    @staticmethod
    def _runs(memmie: World) -> int:
        count: int = memmie.airflow.get("dags/blob_processing_workflow/dagRuns")["total_entries"]
        return count

    def test_a_core_that_is_too_slow_fails_the_expansion(self, memmie: World) -> None:
        """After `timeout_seconds` the step has failed; it is no call to repeat blindly, and nothing is saved."""
        blob = memmie.blob("A chapter.", chapter_number=1)
        memmie.core.fail("/generate", stall=4)
        run = start(memmie.airflow, "book_chapter_impatient", {"blob_id": blob})
        assert run.wait() == "failed"
        assert memmie.paths(run) == [f"/blobs/{blob}", "/generate"]
        assert "within 2 s" in run.xcom("expand_content", "error")["message"]
        assert [each for each in memmie.studio.state()["blobs"] if each["parent_id"] == blob] == []


class TestBooks:
    """Events start the workflows that the document's provider binds to them."""

    def test_a_new_chapter_is_expanded_and_kept(self, memmie: World) -> None:
        """The event starts one workflow, which runs the document's second one, and the blob's history tells of it."""
        blob = memmie.blob("The door opened.", type="chapter", chapter_number=3)
        answer = memmie.send("chapter-1", {"blob_id": blob, "metadata": {"type": "chapter"}})
        (row,) = answer["bindings"]
        assert (row["workflow_id"], row["provider"], row["priority"]) == ("book_chapter_processing", "book-writer", 10)
        run = Run(memmie.airflow, "book_chapter_processing", row["run_id"])
        assert ended(run) == ("success", [])
        expansion, keeping = memmie.child(run, "expand"), memmie.child(run, "keep")
        load, write, check, save = memmie.calls(expansion)
        assert [call.path for call in (load, write, check, save)] == [f"/blobs/{blob}", "/generate", CHECK, "/blobs"]
        assert (load.method, load.query, write.json["prompt"].endswith("\n\nThe door opened.\n")) == ("GET", "", True)
        text = "At length: The door opened."
        assert check.json == {"book_id": "book:my-novel", "chapter_content": text, "chapter_number": 3}
        metadata = {"type": "expanded_chapter", "original_id": blob, "consistency_score": 0.9, "word_count": 5}
        assert save.json == {"parent_id": blob, "content": text, "metadata": metadata}
        assert memmie.paths(keeping) == [APPLY, DELTAS]
        new = expansion.xcom("save_expansion")["new_blob_id"]
        chapter = memmie.read(f"/blobs/{blob}")
        assert (chapter["derived"], chapter["metadata"]["expanded_chapter"], chapter["version"]) == ([new], new, 3)
        assert memmie.read(f"/blobs/{new}")["content"] == text
        assert run.xcom("result")["new_blob_ids"] == [new]

    def test_an_outline_takes_the_place_of_its_request(self, memmie: World) -> None:
        """Another type of blob starts another workflow; the core is asked again after a refusal."""
        blob = memmie.blob("Seven chapters on doors.")
        memmie.core.fail("/generate", status=503)
        answer = memmie.send("outline-1", {"blob_id": blob, "metadata": {"type": "outline_request"}})
        (row,) = answer["bindings"]
        assert (row["workflow_id"], row["priority"]) == ("book_outline_generation", 5)
        run = Run(memmie.airflow, "book_outline_generation", row["run_id"])
        assert ended(run) == ("success", [])
        assert memmie.paths(run) == [f"/blobs/{blob}", "/generate", "/generate"]
        assert memmie.read(f"/blobs/{blob}")["content"] == "At length: Seven chapters on doors."
        (delta,) = memmie.read(f"/deltas?blob_id={blob}")["deltas"]
        assert delta["metadata"] == {"workflow_execution_id": run.run_id}

    def test_what_no_provider_waits_for_starts_nothing(self, memmie: World) -> None:
        """The conditions hold: a poem, an update of what is no draft. An update of a draft is a chapter's."""
        blob = memmie.blob("A chapter.", chapter_number=1)
        assert memmie.send("poem-1", {"blob_id": blob, "metadata": {"type": "poem"}})["bindings"] == []
        done = {"blob_id": blob, "metadata": {"type": "chapter", "status": "done"}}
        assert memmie.send("update-1", done, "onUpdate")["bindings"] == []
        draft = {"blob_id": blob, "metadata": {"status": "draft"}}
        (row,) = memmie.send("update-2", draft, "onUpdate")["bindings"]
        assert (row["workflow_id"], row["outcome"]) == ("book_chapter_processing", "started")

    def test_an_event_that_does_not_fit_is_refused(self, memmie: World) -> None:
        """The schema of events holds before anything runs, and names what is wrong."""
        (row,) = memmie.send("chapter-2", {"blob_id": "x", "metadata": {"type": "chapter"}})["bindings"]
        assert row["outcome"] == "refused"
        assert "blob_id" in row["reason"]

    def test_a_failure_within_is_one_of_the_step(self, memmie: World) -> None:
        """A chapter that is not there fails the expansion, and so the step that started it; nothing is kept."""
        missing = "00000000-0000-4000-8000-000000000000"
        (row,) = memmie.send("chapter-3", {"blob_id": missing, "metadata": {"type": "chapter"}})["bindings"]
        run = Run(memmie.airflow, "book_chapter_processing", row["run_id"])
        state, (error,) = ended(run)
        assert (state, states_of(run, "expand", "keep")) == ("failed", {"expand": "failed", "keep": "upstream_failed"})
        assert "workflow 'book_chapter_expansion' failed" in error
        assert memmie.paths(memmie.child(run, "expand")) == [f"/blobs/{missing}"]
