"""A worker of the orchestrator's network, such as the content granulator: it is offered work before it is given any.

What the integration's document says: ``POST /api/handshake`` offers work, and the worker answers with its ``workerId``
and ``accepted``; ``POST /api/process`` has the accepted work done, ``GET /api/progress/{id}`` tells how far it is, and
``GET /api/jobs/{id}`` what became of it: a ``result`` and ``metrics``. Workers are called with a bearer token and
``X-Worker-ID``. The document leaves open what a refusal looks like, and what progress does: here a refusal is
``accepted: false`` with a ``reason``, and progress has a ``status`` and ``percent``.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standins.checks import a_text, check
from tests.standins.exchange import Answer, Handler, Received, Refusal, json_answer, json_body
from tests.standins.system import System

__all__ = ["Granulator"]


def _an_object(value: Any) -> str | None:
    return None if isinstance(value, dict) else f"must be an object, not {value!r}"


_OFFER = {"executionId": a_text, "inputData": _an_object}
_OFFER_OPTIONS = {"stageId": a_text, "action": a_text, "resourceRequirements": _an_object}


class Granulator(System):
    """One worker."""

    name = "granulator"
    settings: ClassVar[Mapping[str, Any]] = {
        "worker": "bitware-content-granulator",
        "refusals": 0,  # how many offers are refused before one is accepted
        "polls": 2,  # how often progress is asked for before the work is done
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
        }

    def state(self) -> dict[str, Any]:
        """Return the offers that came, and the work that was accepted."""
        return {"offers": self._offers, "jobs": list(self._jobs.values())}

    def authorize(self, received: Received) -> None:
        """Want the bearer token, and the name of the worker that calls."""
        sent = received.header("Authorization") or ""
        if not hmac.compare_digest(sent.encode(errors="replace"), f"Bearer {self.token}".encode()):
            raise Refusal(401, "unauthorized", "the token is missing or wrong")
        if not received.header("X-Worker-ID"):
            raise Refusal(401, "unauthorized", "X-Worker-ID is missing")

    async def _shake_hands(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, _OFFER, _OFFER_OPTIONS)
        execution = body["executionId"]
        self._offers.append(execution)
        accepted = len(self._offers) > self.setting("refusals")
        answer = {"executionId": execution, "workerId": self.setting("worker"), "accepted": accepted}
        if not accepted:
            return json_answer(200, {**answer, "reason": "Worker cannot accept new tasks"})
        self._jobs[execution] = {"executionId": execution, "topic": body["inputData"].get("topic"), "polls": None}
        needs = {"cpu": 0.5, "memory": 256, "apiCalls": 2}
        return json_answer(200, {**answer, "estimatedCompletionMs": 20000, "resourceRequirements": needs})

    async def _process(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, {"executionId": a_text}, {})
        job = self._find(body["executionId"])
        if job["polls"] is not None:
            raise Refusal(409, "already_processing", f"{job['executionId']} is processed already")
        job["polls"] = 0
        return json_answer(202, {"executionId": job["executionId"], "status": "processing"})

    async def _get_progress(self, received: Received, execution: str) -> Answer:
        job = self._started(execution)
        job["polls"] += 1
        share = min(1.0, job["polls"] / self.setting("polls"))
        status = "completed" if share == 1 else "processing"
        return json_answer(200, {"executionId": execution, "status": status, "percent": round(share * 100)})

    async def _get_job(self, received: Received, execution: str) -> Answer:
        job = self._started(execution)
        if job["polls"] < self.setting("polls"):
            return json_answer(200, {"executionId": execution, "status": "processing"})
        structure = {"type": "course", "title": job["topic"], "chapters": ["Introduction", "Practice"]}
        result = {"jobId": list(self._jobs).index(execution) + 1, "structure": structure, "qualityScore": 92}
        metrics = {"tokensUsed": 1500, "processingTimeMs": 15000, "costUsd": 0.003}
        return json_answer(200, {"executionId": execution, "status": "completed", "result": result, "metrics": metrics})

    def _find(self, execution: str) -> dict[str, Any]:
        if execution not in self._jobs:
            raise Refusal(404, "not_found", f"no work was accepted for {execution}")
        return self._jobs[execution]

    def _started(self, execution: str) -> dict[str, Any]:
        job = self._find(execution)
        if job["polls"] is None:
            raise Refusal(409, "not_started", f"{execution} was accepted, and nobody said to process it")
        return job
