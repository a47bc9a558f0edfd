"""The pages of the cookbook, as a reader would copy them, on a real Airflow against an API that does what they say."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from demo.instance import AirflowInstance
from tests.e2e.runs import PATIENCE, ROOT, Run, drop, start
from tests.e2e.threads import serve

pytestmark = pytest.mark.timeout(400)

COOKBOOK = ROOT / "docs" / "cookbook"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STARTED = ("saga", "poll", "pages", "approval", "fallback", "fan_out", "parent", "catch")


@dataclass
class Api:
    """The APIs of all pages: ids count up from 1 for each path, and each run's calls are kept by workflow."""

    got: dict[str, list[tuple[str, str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """First part of the path → method, path and body of each call."""
    counts: Counter[str] = field(default_factory=Counter)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a call as the pages expect it of their APIs."""
        body = await request.json() if request.body_exists else None
        name, path = request.path.split("/")[1], request.path.removeprefix(f"/{request.path.split('/')[1]}")
        self.got[name].append((request.method, path, body))
        status, answer = self._answer(f"{request.method} {path}", request.query.get("cursor"), body)
        return web.json_response(answer, status=status)

    def _answer(self, call: str, cursor: str | None, body: Any) -> tuple[int, Any]:
        self.counts[call] += 1
        if call in {"POST /payments", "POST /stock/count"}:
            return 422, {"why": "refused"}
        if call == "POST /generate":
            return (500, {}) if body["model"] == "large" else (200, {"text": f"by {body['model']}"})
        fixed: dict[str, Any] = {
            "GET /videos/1": {"state": "done" if self.counts[call] > 1 else "working", "url": "https://cdn/1.mp4"},
            "GET /subscribers": [{"id": number, "address": f"{number}@example.com"} for number in range(40)],
            "GET /orders": {"data": [3], "next": None} if cursor else {"data": [1, 2], "next": "more"},
            "POST /questions": {"questions": ["1 + 1?"]},
        }
        return 200, fixed.get(call, {"id": self.counts[call]})

    def calls(self, name: str) -> list[str]:
        """Return method and path of the calls of a workflow."""
        return [f"{method} {path}" for method, path, _ in self.got[name]]

    def body(self, name: str, call: str) -> Any:
        """Return the body of the one call of a workflow to a path."""
        (found,) = [body for method, path, body in self.got[name] if f"{method} {path}" == call]
        return found


def texts() -> dict[str, str]:
    """Return the workflows of all pages, by Dag id."""
    found = {}
    for page in sorted(COOKBOOK.glob("*.md")):
        for text in BLOCK.findall(page.read_text(encoding="utf-8")):
            found[text.partition("\n")[0].removeprefix("name: ")] = text
    return found


@pytest.fixture(scope="module")
def api() -> Iterator[tuple[str, Api]]:
    served = Api()

    def make() -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", served.handle)
        return app

    with serve(make) as base:
        yield base, served


@pytest.fixture(scope="module")
def runs(airflow: AirflowInstance, workflows: Path, api: tuple[str, Api]) -> dict[str, Run]:
    """Start the workflows of all pages; each finds its API under a path of its own."""
    base = api[0]
    files = {
        name: re.sub(r"^api_base: .*$", f"api_base: {base}/{name.removeprefix('cookbook_')}", text, flags=re.MULTILINE)
        for name, text in texts().items()
    }
    drop(airflow, workflows, files)
    for name in files:
        airflow.unpause(name)
    return {name: start(airflow, f"cookbook_{name}") for name in STARTED}


def test_every_page_is_run(runs: dict[str, Run]) -> None:
    """No page of the cookbook is left out, and the index has them all."""
    assert {f"cookbook_{name}" for name in runs} | {"cookbook_child"} == set(texts())
    index = (COOKBOOK / "README.md").read_text(encoding="utf-8")
    assert {page.name for page in COOKBOOK.glob("*.md")} == {"README.md", *re.findall(r"\]\(([\w-]+\.md)\)", index)}


def test_saga(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """What was booked is undone, the last one first."""
    assert runs["saga"].wait() == "failed"
    assert api[1].calls("saga")[-2:] == ["DELETE /hotels/1", "DELETE /flights/1"]
    assert runs["saga"].xcom("outcome", "error")["message"].endswith("compensated: hotel, flight")


def test_poll(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """The job is submitted once and asked until it is done."""
    assert runs["poll"].wait() == "success"
    assert api[1].calls("poll").count("POST /videos") == 1
    assert api[1].body("poll", "POST /posts") == {"video": "https://cdn/1.mp4"}


def test_pages(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """All pages are read."""
    assert runs["pages"].wait() == "success"
    assert api[1].body("pages", "POST /reports") == {"open": 3}


def test_approval(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """Nothing is published before somebody has approved."""
    run = runs["approval"]
    run.airflow.wait(partial(_asks, run), "the question", PATIENCE)
    assert api[1].calls("approval") == ["POST /drafts"]
    path = f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/ask/-1/hitlDetails"
    run.airflow.patch(path, {"chosen_options": ["Approve"], "params_input": {}})
    assert run.wait() == "success"
    assert api[1].calls("approval")[-1] == "POST /drafts/1/publish"


def _asks(run: Run) -> bool | None:
    return run.states().get("ask") == "awaiting_input" or None


def test_fallback(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """The small model answers when the large one does not."""
    assert runs["fallback"].wait() == "success"
    assert api[1].body("fallback", "POST /posts") == {"text": "by small", "from": 1}


def test_fan_out(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """One call for each item."""
    assert runs["fan_out"].wait() == "success"
    assert api[1].calls("fan_out").count("POST /mails") == 40
    assert api[1].body("fan_out", "POST /reports") == {"sent": 40, "failed": []}


def test_sub_workflow(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """The other workflow's outputs are there."""
    assert runs["parent"].wait() == "success"
    assert api[1].body("parent", "POST /posts") == {"questions": ["1 + 1?"]}


def test_catch_and_finally(runs: dict[str, Run], api: tuple[str, Api]) -> None:
    """The failure is told, the lock is given back, and the run has failed."""
    assert runs["catch"].wait() == "failed"
    assert "422" in api[1].body("catch", "POST /incidents")["why"]
    assert api[1].calls("catch")[-1] == "DELETE /locks/1"
