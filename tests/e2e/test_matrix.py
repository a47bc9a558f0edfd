"""What follows what, on a running Airflow: every outcome of every kind of step, and every `run_on` of the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from demo.instance import AirflowInstance
from tests.e2e.runs import ROOT, drop, start
from tests.e2e.threads import serve

pytestmark = pytest.mark.timeout(400)

OUTCOMES = {
    "success": "",
    "skipped": "condition: false, ",
    "failed": "",
    "tolerated": "on_failure: continue, ",
}
BAD = frozenset({"failed", "tolerated"})

KINDS = {
    "step": "retry: {{limit: 0}}, endpoint: /{answer}",
    "member": "retry: {{limit: 0}}, endpoint: /{answer}, parallel_group: group_{outcome}",
    "items": "retry: {{limit: 0}}, endpoint: /{answer}, for_each: [1, 2], payload: {{n: '{{{{ item }}}}'}}",
    "job": (
        "type: job, retry: {{limit: 0}}, endpoint: /{answer}, payload: {{}}, "
        "job: {{id: $.id, done_when: 'true', fail_when: 'false', poll: {{endpoint: /ok, every: 100ms}}}}"
    ),
    "approval": "type: approval, message: Well?, options: [ok, bad], rejects: [bad], default: {answer}, timeout: 1s",
}
"""What a step of each kind says; the answer `bad` is 404, or a refusal."""

FOLLOWER = "type: transform, payload: 1"

MEANINGS = {
    ("success", "success"): "success",
    ("success", "failure"): "skipped",
    ("success", "always"): "success",
    ("skipped", "success"): "success",
    ("skipped", "failure"): "skipped",
    ("skipped", "always"): "success",
    ("tolerated", "success"): "success",
    ("tolerated", "failure"): "skipped",
    ("tolerated", "always"): "success",
    ("failed", "success"): "upstream_failed",
    ("failed", "failure"): "success",
    ("failed", "always"): "success",
}
"""What the next step ends as, by the outcome of the one before it and its own `run_on`."""

WORDS = {"success": "runs", "skipped": "skipped", "upstream_failed": "does not run"}


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """Give the base of an API that answers /ok and nothing else."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"id": "1"}, status=200 if request.path == "/ok" else 404)

    def make() -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path}", answer)
        return app

    with serve(make) as base:
        yield base


def workflow(base: str) -> str:
    """Write the workflow of all pairs: each first step with its three followers."""
    lines = ["name: matrix", f"api_base: {base}", "order: graph", "steps:"]
    for kind, text in KINDS.items():
        for outcome, more in OUTCOMES.items():
            first = f"{kind}_{outcome}"
            answer = "bad" if outcome in BAD else "ok"
            written = text.format(answer=answer, outcome=outcome)
            lines.append(f"  - {{name: {first}, depends_on: [], {more}{written}}}")
            before = f"group_{outcome}" if kind == "member" else first
            lines.extend(
                f"  - {{name: {first}_then_{run_on}, depends_on: [{before}], run_on: {run_on}, {FOLLOWER}}}"
                for run_on in ("success", "failure", "always")
            )
    return "\n".join(lines) + "\n"


def test_every_pair_of_neighbours_does_what_the_docs_say(api: str, airflow: AirflowInstance, workflows: Path) -> None:
    """Each kind of step, each of its outcomes, and each `run_on` of the step that follows."""
    drop(airflow, workflows, {"matrix": workflow(api)})
    airflow.unpause("matrix")
    run = start(airflow, "matrix")
    assert run.wait() == "failed"
    states = run.states()
    ends = {"success": "success", "skipped": "skipped", "tolerated": "skipped", "failed": "failed"}
    expected = {f"{kind}_{outcome}": end for kind in KINDS for outcome, end in ends.items()}
    for kind in KINDS:
        expected |= {f"{kind}_{before}_then_{run_on}": end for (before, run_on), end in MEANINGS.items()}
    assert {name: states[name] for name in expected} == expected


def test_the_page_has_the_matrix() -> None:
    """The table of the documentation says what is tested."""
    page = (ROOT / "docs" / "control-flow.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    table = {(row[0], run_on): row[at] for row in rows for at, run_on in enumerate(("success", "failure", "always"), 1)}
    assert table == {pair: WORDS[end] for pair, end in MEANINGS.items()}
