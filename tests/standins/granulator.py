"""A worker of the orchestrator's network, such as the content granulator: it is offered work before it is given any.

What the integration's document says: ``POST /api/handshake`` offers work, and the worker answers with its
``workerId`` and ``accepted``; ``POST /api/process`` has the accepted work done, ``GET /api/progress/{id}`` tells how
far it is, and ``GET /api/jobs/{id}`` what became of it: a ``result`` with a structure and its quality score, and
``metrics``. Workers are called with a bearer token and ``X-Worker-ID``. Structures are made by templates, which are
found by their exact name, else by the type of structure, else by a part of the name; where none is, the work fails
with *Template not found*. Beyond what it can do at once, the worker cannot accept new tasks.

The document leaves open what a refusal looks like, and what progress does: here a refusal is ``accepted: false`` with
a ``reason``, and progress has a ``status`` and ``percent``, at the end all but the structure (what keeps progress is
small, says the document). It shows an answer to ``/api/process`` that has the result at once: so it is with
``at_once``. Only who offered the work may see it, and ``DELETE /api/jobs/{id}`` cancels it; the document knows
neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standins.checks import a_text, an_object, check
from tests.standins.exchange import Answer, Handler, Received, Refusal, json_answer, json_body
from tests.standins.system import System
from tests.standins.workers import caller

__all__ = ["Granulator"]

_OFFER = {"executionId": a_text, "inputData": an_object}
_OFFER_OPTIONS = {"stageId": a_text, "action": a_text, "resourceRequirements": an_object}
_OPEN = ("accepted", "processing")


class Granulator(System):
    """One worker."""

    name = "granulator"
    settings: ClassVar[Mapping[str, Any]] = {
        "worker": "bitware-content-granulator",
        "refusals": 0,  # how many offers are refused before one is accepted
        "most": 10,  # how much it does at once
        "polls": 2,  # how often progress is asked for before the work is done
        "at_once": False,  # whether processing is answered with the result
        "templates": {"course": "course", "quiz": "quiz"},  # name to type of structure
        "quality": 92,
        "chapters": 2,  # how large a structure is
    }

    def reset(self) -> None:
        """Forget all work."""
        super().reset()
        self._offers: list[str] = []
        self._jobs: dict[str, dict[str, Any]] = {}

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return the worker's paths."""
        return {
            ("POST", "/api/handshake"): self._shake_hands,
            ("POST", "/api/process"): self._process,
            ("GET", "/api/progress/{execution}"): self._get_progress,
            ("GET", "/api/jobs/{execution}"): self._get_job,
            ("DELETE", "/api/jobs/{execution}"): self._cancel,
        }

    def state(self) -> dict[str, Any]:
        """Return the offers that came, and the work that was accepted."""
        return {"offers": self._offers, "jobs": list(self._jobs.values())}

    def authorize(self, received: Received) -> None:
        """Want the bearer token, and the name of the worker that calls."""
        caller(received, self.token)

    async def _shake_hands(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, _OFFER, _OFFER_OPTIONS)
        execution = body["executionId"]
        self._offers.append(execution)
        busy = sum(job["status"] in _OPEN for job in self._jobs.values()) >= self.setting("most")
        accepted = len(self._offers) > self.setting("refusals") and not busy
        answer = {"executionId": execution, "workerId": self.setting("worker"), "accepted": accepted}
        if not accepted:
            return json_answer(200, {**answer, "reason": "Worker cannot accept new tasks"})
        job = {"executionId": execution, "jobId": len(self._jobs) + 1, "status": "accepted", "polls": 0}
        self._jobs[execution] = {**job, "caller": caller(received, self.token), "inputData": body["inputData"]}
        needs = {"cpu": 0.5, "memory": 256, "apiCalls": 2}
        return json_answer(200, {**answer, "estimatedCompletionMs": 20000, "resourceRequirements": needs})

    async def _process(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"executionId": a_text}, {})
        job = self._find(received, body["executionId"])
        if job["status"] != "accepted":
            raise Refusal(409, "already_processing", f"{job['executionId']} is processed already")
        job["status"] = "processing"
        if not self.setting("at_once"):
            return json_answer(202, {"executionId": job["executionId"], "status": "processing"})
        self._finish(job)
        return json_answer(200, self._show(job, whole=True))

    async def _get_progress(self, received: Received, execution: str) -> Answer:
        job = self._started(received, execution)
        job["polls"] += 1
        percent = min(100, round(100 * job["polls"] / max(self.setting("polls"), 1)))
        if percent == 100 and job["status"] == "processing":
            self._finish(job)
        return json_answer(200, {**self._show(job), "percent": percent})

    async def _get_job(self, received: Received, execution: str) -> Answer:
        return json_answer(200, self._show(self._started(received, execution), whole=True))

    async def _cancel(self, received: Received, execution: str) -> Answer:
        job = self._find(received, execution)
        if job["status"] not in _OPEN:
            raise Refusal(409, "conflict", f"{execution} is {job['status']} already")
        job["status"] = "cancelled"
        return json_answer(200, self._show(job))

    def _finish(self, job: dict[str, Any]) -> None:
        job["status"] = "failed" if self._template(job["inputData"]) is None else "completed"

    def _template(self, asked: Mapping[str, Any]) -> str | None:
        """Return the name of the template: by its name, by the type of structure, by a part of its name."""
        templates: dict[str, str] = self.setting("templates")
        kind: str = asked.get("structure_type", "course")
        name: str = asked.get("template_name", kind)
        if name in templates:
            return name
        by_type = [known for known, its_kind in templates.items() if its_kind == kind]
        by_part = [known for known in templates if known in name or name in known]
        return next(iter(by_type + by_part), None)

    def _show(self, job: Mapping[str, Any], *, whole: bool = False) -> dict[str, Any]:
        """Return the answer about work; the structure only with ``whole``."""
        answer = {"executionId": job["executionId"], "status": job["status"]}
        asked = job["inputData"]
        if job["status"] == "failed":
            message = f"Template not found: {asked.get('template_name', asked.get('structure_type'))}"
            return {**answer, "error": {"code": "template_not_found", "message": message}}
        if job["status"] != "completed":
            return answer
        result = {"jobId": job["jobId"], "qualityScore": self.setting("quality")}
        if whole:
            chapters = [
                f"Chapter {number} of {asked.get('topic')}" for number in range(1, self.setting("chapters") + 1)
            ]
            result["structure"] = {"type": self._template(asked), "title": asked.get("topic"), "chapters": chapters}
        metrics = {"tokensUsed": 1500, "processingTimeMs": 15000, "costUsd": 0.003}
        return {**answer, "result": result, "metrics": metrics}

    def _find(self, received: Received, execution: str) -> dict[str, Any]:
        if execution not in self._jobs:
            raise Refusal(404, "not_found", f"no work was accepted for {execution}")
        job = self._jobs[execution]
        if job["caller"] != caller(received, self.token):
            raise Refusal(403, "forbidden", f"{execution} was offered by another worker")
        return job

    def _started(self, received: Received, execution: str) -> dict[str, Any]:
        job = self._find(received, execution)
        if job["status"] == "accepted":
            raise Refusal(409, "not_started", f"{execution} was accepted, and nobody said to process it")
        return job
