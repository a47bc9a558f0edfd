"""Events start workflows, and runs leave a state to the next ones, on a running Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from demo.instance import AirflowInstance
from tests.e2e.runs import Run, drop, start

pytestmark = pytest.mark.timeout(400)

FLOWS = {
    "events_chapter": """
name: events_chapter
max_active_runs: 5
inputs: {properties: {chapter: {type: string, minLength: 3}}, required: [chapter]}
steps: [{name: told, type: transform, payload: {chapter: "{{ inputs.chapter }}", by: "{{ inputs.by }}"}}]
""",
    "events_outline": """
name: events_outline
steps: [{name: told, type: transform, payload: "{{ inputs }}"}]
""",
    "events_off": """
name: events_off
active: false
steps: [{name: told, type: transform, payload: 1}]
""",
    "events_state": """
name: events_state
state: {newest: inputs.n, runs: (state.runs or 0) + 1}
steps:
  - {name: read, type: transform, payload: {since: "{{ state.newest }}", runs: "{{ state.runs }}"}}
  - {name: work, type: transform, payload: "{{ 1 // inputs.n }}"}
""",
}
PROVIDER = """
provider: {id: book-writer, name: Book Writing Assistant, type: hybrid}
workflows:
  - workflow_id: events_chapter
    triggers:
      - event: events.made
        conditions: [{field: metadata.type, operator: eq, value: chapter}]
    priority: 10
    input: {chapter: $.data.text, by: "{$.subject} of {$.source}"}
  - workflow_id: events_outline
    triggers:
      - event: events.made
        when: [{field: metadata.type, value: outline}]
      - {event: events.both}
  - {workflow_id: events_off, triggers: [{event: events.both}]}
"""
OTHER = """
provider: {id: reader}
workflows:
  - {workflow_id: events_chapter, triggers: [{event: events.both}], priority: 1}
"""


class Sender:
    """Sends events to the running Airflow."""

    def __init__(self, airflow: AirflowInstance) -> None:
        self._airflow = airflow
        self._url = f"{airflow.url}/gimme/api/v1/events"

    def send(
        self, event: Mapping[str, Any] | bytes, token: str | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Return status and body of the answer; without a token the administrator's is used."""
        bearer = token or self._airflow.token()
        options: dict[str, Any] = {"content": event} if isinstance(event, bytes) else {"json": event}
        all_headers = {"Authorization": f"Bearer {bearer}", **headers}
        answer = httpx.post(self._url, headers=all_headers, timeout=60, trust_env=False, **options)
        return answer.status_code, answer.json()

    def token_of(self, role: str) -> str:
        """Return the token of somebody with a role, signed with the key of this Airflow."""
        claims = jwt.decode(self._airflow.token(), options={"verify_signature": False})
        key = self._airflow.environment["AIRFLOW__API_AUTH__JWT_SECRET"]
        header = jwt.get_unverified_header(self._airflow.token())
        return jwt.encode(
            {**claims, "sub": f"a-{role}", "role": role, "jti": f"{role}-1"},
            key,
            algorithm=header["alg"],
            headers=header,
        )


def made(event_id: str, kind: str, event_type: str = "events.made") -> dict[str, Any]:
    data = {"metadata": {"type": kind}, "text": f"the {kind}"}
    return {"id": event_id, "source": "/studio", "type": event_type, "subject": "blob-7", "data": data}


@pytest.fixture(scope="module")
def sender(airflow: AirflowInstance, workflows: Path) -> Sender:
    folder = workflows / "events"
    (folder / "providers").mkdir(parents=True)
    (folder / "providers" / "book-writer.yaml").write_text(PROVIDER)
    (folder / "providers" / "reader.yaml").write_text(OTHER)
    drop(airflow, folder, FLOWS)
    for dag_id in FLOWS:
        airflow.unpause(dag_id)
    return Sender(airflow)


def runs_of(airflow: AirflowInstance, dag_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = airflow.get(f"dags/{dag_id}/dagRuns")["dag_runs"]
    return found


def test_an_event_starts_the_bound_workflow_once(sender: Sender, airflow: AirflowInstance) -> None:
    """The conditions pick the workflow, the run has the binding's input and its priority, and twice is once."""
    status, answer = sender.send(made("e-1", "chapter"))
    (run_id,) = answer["started"]
    assert (status, answer["bindings"]) == (
        200,
        [
            {
                "workflow_id": "events_chapter",
                "provider": "book-writer",
                "priority": 10,
                "outcome": "started",
                "run_id": run_id,
            }
        ],
    )
    run = Run(airflow, "events_chapter", run_id)
    assert run.wait() == "success"
    assert run.xcom("told") == {"chapter": "the chapter", "by": "blob-7 of /studio"}
    shown = airflow.get(f"dags/events_chapter/dagRuns/{run_id}")
    assert shown["note"].endswith("source '/studio'; provider 'book-writer', priority 10")
    assert airflow.get("dags/events_chapter")["tags"][0]["name"].startswith("event:events.")
    binary = {"ce-id": "e-1", "ce-source": "/studio", "ce-type": "events.made", "ce-specversion": "1.0"}
    binary["ce-subject"] = "blob-7"
    again = sender.send(
        b'{"metadata": {"type": "chapter"}, "text": "other"}', **binary, **{"content-type": "application/json"}
    )[1]
    assert (again["started"], [(row["outcome"], row["run_id"]) for row in again["bindings"]]) == (
        [],
        [("known", run_id)],
    )
    assert [each["dag_run_id"] for each in runs_of(airflow, "events_chapter")] == [run_id]
    assert runs_of(airflow, "events_outline") == []


def test_one_refused_binding_does_not_stop_the_others(sender: Sender, airflow: AirflowInstance) -> None:
    """Inputs that do not fit and a workflow that is switched off are refused with the reason; the others start."""
    status, answer = sender.send(made("e-2", "outline", "events.both"))
    found = {row["workflow_id"]: row for row in answer["bindings"]}
    assert (status, {name: row["outcome"] for name, row in found.items()}) == (
        200,
        {"events_chapter": "refused", "events_off": "refused", "events_outline": "started"},
    )
    assert "chapter" in found["events_chapter"]["reason"]
    assert "active: false" in found["events_off"]["reason"]
    assert [each["dag_run_id"] for each in runs_of(airflow, "events_outline")] == answer["started"]
    assert Run(airflow, "events_outline", answer["started"][0]).wait() == "success"


def test_who_may_not_trigger_may_not_send(sender: Sender, airflow: AirflowInstance) -> None:
    """With a token of nobody, and for who may only look, it is 403 and nothing runs; who may trigger may send."""
    before = len(runs_of(airflow, "events_outline"))
    assert sender.send(made("e-3", "outline"), token="nobody")[0] == 403
    status, answer = sender.send(made("e-3", "outline"), token=sender.token_of("VIEWER"))
    assert (status, answer) == (403, {"detail": "you may not trigger any of the workflows that this event starts."})
    assert len(runs_of(airflow, "events_outline")) == before
    assert len(sender.send(made("e-3", "outline"), token=sender.token_of("USER"))[1]["started"]) == 1


def test_what_starts_nothing(sender: Sender) -> None:
    """An event that nobody waits for is fine; what is none, or too large, is told."""
    assert sender.send(made("e-4", "poem")) == (
        200,
        {"id": "e-4", "source": "/studio", "type": "events.made", "started": [], "bindings": []},
    )
    assert sender.send(made("e-5", "x", "events.unknown"))[1]["bindings"] == []
    status, answer = sender.send({"type": "events.made"})
    assert (status, answer["detail"]) == (
        400,
        "this is no event of CloudEvents 1.0: 'id' is missing; 'source' is missing.",
    )
    assert sender.send(b" " * 1_000_001, **{"content-type": "application/json"})[0] == 413


def test_a_run_reads_the_state_that_the_last_good_one_left(sender: Sender, airflow: AirflowInstance) -> None:
    """The second run reads what the first stored, a failed one stores nothing, and `outcome` counts no run twice."""
    runs = []
    for n, state in ((7, "success"), (0, "failed"), (9, "success")):
        runs.append(start(airflow, "events_state", {"n": n}))
        assert runs[-1].wait() == state
    assert [run.xcom("read") for run in runs] == [
        {"since": None, "runs": None},
        {"since": 7, "runs": 1},
        {"since": 7, "runs": 1},
    ]
    assert stored(airflow) == {"newest": (9, runs[2].run_id), "runs": (2, runs[2].run_id)}
    body = {"dry_run": False, "task_ids": ["outcome"], "dag_run_id": runs[2].run_id, "only_failed": False}
    airflow.post("dags/events_state/clearTaskInstances", body)
    assert runs[2].wait() == "success"
    assert stored(airflow)["runs"] == (2, runs[2].run_id)


def stored(airflow: AirflowInstance) -> dict[str, tuple[Any, str]]:
    """Return the state as Airflow shows it: value and the run that wrote it, by name."""
    (asset,) = airflow.get("assets?name_pattern=events_state.state")["assets"]
    rows = airflow.get(f"assets/{asset['id']}/state-store")
    (key,) = (name for name in rows if name != "total_entries")
    return {row["key"]: (row["value"], row["last_updated_by"]["run_id"]) for row in rows[key]}
