"""The orchestrator: executions of pipelines, the queue they wait in, and the workers they are given to.

What the integration's document says: ``POST /api/pipelines/execute`` makes an execution and puts it into a queue by
its priority, ``GET /api/executions/{id}`` tells of it and of its stages, which run one after the other, ``GET
/api/queue`` shows the queue, and ``POST /api/handshake`` takes the packets of the handshake with a worker. Callers
show a bearer token and ``X-Worker-ID``. A worker that is not registered, or has as much as it can take at once,
*cannot accept new tasks*. ``POST /api/test/queue-execution`` queues an execution to try it out.

The document leaves open how the registry of workers is read (here ``GET /api/workers``, with the columns of its table
and ``active_executions``), how the end of a stage is told (``POST /api/executions/{id}/stages/{stage}/complete``),
how an execution is given up (``POST /api/executions/{id}/cancel``), and which priority comes first: the highest, and
of equals the one that came first. As many executions run at once as there are ``slots``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standins.checks import a_boolean, a_number, a_text, an_integer, an_object, any_text, check, list_of, one_of
from tests.standins.exchange import Answer, Handler, Received, Refusal, json_answer, json_body
from tests.standins.system import System
from tests.standins.workers import caller

__all__ = ["Orchestrator"]

_OTHERS = ("bitware-orchestrator-v2", "test-worker")
"""Who may call beside the workers that are registered."""

_EXECUTE = {"requestId": a_text, "templateName": a_text, "stages": list_of(an_object), "inputData": an_object}
_EXECUTE_OPTIONS = {"priority": an_integer(1, 10)}
_PACKET = {"executionId": a_text, "stageId": a_text, "workerId": a_text, "accepted": a_boolean}
_PACKET_OPTIONS = {"action": a_text, "estimatedCompletionMs": a_number(0, 1e9), "resourceRequirements": an_object}
_END = {"status": one_of(("completed", "failed"))}
_END_OPTIONS = {"qualityScore": a_number(0, 100), "metrics": an_object, "reference": an_object, "error": a_text}


def _worker(name: str, display_name: str, most: int) -> dict[str, Any]:
    return {
        "worker_name": name,
        "display_name": display_name,
        "version": "1.0.0",
        "capabilities": ["granulate", "structure", "validate"],
        "max_concurrent_executions": most,
        "health_status": "healthy",
        "is_active": 1,
    }


class Orchestrator(System):
    """The orchestrator."""

    name = "orchestrator"
    settings: ClassVar[Mapping[str, Any]] = {
        "slots": 10,  # how many executions run at once
        "workers": [
            _worker("bitware-content-granulator", "Content Granulator", 10),
            _worker("bitware-content-granulator-2", "Content Granulator (reserve)", 5),
        ],
    }

    def reset(self) -> None:
        """Forget every execution and every packet."""
        super().reset()
        self._executions: dict[str, dict[str, Any]] = {}
        self._started: list[str] = []
        self._packets: list[dict[str, Any]] = []
        self._references: dict[str, Any] = {}

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return the orchestrator's paths."""
        return {
            ("POST", "/api/pipelines/execute"): self._execute,
            ("POST", "/api/test/queue-execution"): self._queue_test,
            ("GET", "/api/executions/{execution}"): self._get_execution,
            ("POST", "/api/executions/{execution}/cancel"): self._cancel,
            ("POST", "/api/executions/{execution}/stages/{stage}/complete"): self._complete,
            ("GET", "/api/queue"): self._get_queue,
            ("GET", "/api/workers"): self._list_workers,
            ("POST", "/api/handshake"): self._shake_hands,
        }

    def state(self) -> dict[str, Any]:
        """Return the executions, the order in which they began to run, the packets and the references."""
        return {
            "executions": list(self._executions.values()),
            "started": self._started,
            "packets": self._packets,
            "references": self._references,
        }

    def environment(self, url: str) -> dict[str, str]:
        """Return the base and the workers' token."""
        return {"ORCHESTRATOR_API_BASE": url, "WORKER_SECRET": self.token}

    def authorize(self, received: Received) -> None:
        """Want the bearer token, and the name of a worker that is known; then let the queue go on."""
        caller(received, self.token, (*_OTHERS, *(worker["worker_name"] for worker in self.setting("workers"))))
        self._advance()

    async def _execute(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, _EXECUTE, _EXECUTE_OPTIONS)
        return self._enqueue(body)

    async def _queue_test(self, received: Received) -> Answer:
        check(json_body(received), {}, {})
        stages = [{"action": "granulate"}]
        return self._enqueue({"requestId": "test", "templateName": "test", "stages": stages, "inputData": {}})

    def _enqueue(self, asked: Mapping[str, Any]) -> Answer:
        number = len(self._executions) + 1
        stages = [{**stage, "stageId": f"stage_{number}_{index}", "status": "pending", "workerId": None}
                  for index, stage in enumerate(asked["stages"], start=1)]  # fmt: skip
        execution = {"priority": 5, **asked, "executionId": f"exec_{number}", "status": "queued", "stages": stages}
        self._executions[execution["executionId"]] = execution
        self._advance()
        return json_answer(202, execution, Location=f"/api/executions/{execution['executionId']}")

    def _queue(self) -> list[dict[str, Any]]:
        """Return the executions that wait; the next one first."""
        waiting = [each for each in self._executions.values() if each["status"] == "queued"]
        return sorted(waiting, key=lambda each: -each["priority"])

    def _running(self) -> list[dict[str, Any]]:
        return [each for each in self._executions.values() if each["status"] == "running"]

    def _advance(self) -> None:
        """Let those run whose turn it is."""
        for execution in self._queue()[: max(0, self.setting("slots") - len(self._running()))]:
            execution["status"] = "running"
            self._started.append(execution["executionId"])

    async def _get_execution(self, received: Received, execution: str) -> Answer:
        return json_answer(200, self._find(execution))

    async def _get_queue(self, received: Received) -> Answer:
        queue = [{"position": position, "executionId": each["executionId"], "priority": each["priority"]}
                 for position, each in enumerate(self._queue(), start=1)]  # fmt: skip
        return json_answer(200, {"queue": queue, "running": [each["executionId"] for each in self._running()]})

    async def _list_workers(self, received: Received) -> Answer:
        workers = [{**worker, "active_executions": self._load(worker["worker_name"])}
                   for worker in self.setting("workers")]  # fmt: skip
        return json_answer(200, {"workers": workers})

    def _load(self, worker: str) -> int:
        """Return how many stages a worker has in hand."""
        stages = [stage for execution in self._executions.values() for stage in execution["stages"]]
        return sum(stage["workerId"] == worker and stage["status"] == "running" for stage in stages)

    async def _shake_hands(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, _PACKET, _PACKET_OPTIONS)
        stage = self._stage(body["executionId"], body["stageId"])
        self._check_turn(self._find(body["executionId"]), stage)
        if body["accepted"]:
            self._check_capacity(body["workerId"])
            stage.update(status="running", workerId=body["workerId"])
        packet = {"packetId": f"packet_{len(self._packets) + 1}", **body}
        self._packets.append(packet)
        return json_answer(201, packet)

    def _check_turn(self, execution: Mapping[str, Any], stage: Mapping[str, Any]) -> None:
        first = next((each for each in execution["stages"] if each["status"] != "completed"), None)
        if execution["status"] != "running" or first is not stage or stage["status"] != "pending":
            raise Refusal(409, "conflict", f"it is not the turn of {stage['stageId']}")

    def _check_capacity(self, name: str) -> None:
        worker = next((each for each in self.setting("workers") if each["worker_name"] == name), None)
        if (
            worker is None
            or not worker["is_active"]
            or worker["health_status"] != "healthy"
            or self._load(name) >= worker["max_concurrent_executions"]
        ):
            raise Refusal(503, "no_capacity", "Worker cannot accept new tasks")

    async def _complete(self, received: Received, execution: str, stage: str) -> Answer:
        body = json_body(received)
        check(body, _END, _END_OPTIONS)
        found, whole = self._stage(execution, stage), self._find(execution)
        if found["status"] != "running":
            raise Refusal(409, "conflict", f"{stage} is {found['status']}, not running")
        found.update({name: value for name, value in body.items() if name != "reference"})
        if "reference" in body:
            self._references[stage] = body["reference"]
        if body["status"] == "failed":
            whole["status"] = "failed"
        elif all(each["status"] == "completed" for each in whole["stages"]):
            whole["status"] = "completed"
        self._advance()
        return json_answer(200, whole)

    async def _cancel(self, received: Received, execution: str) -> Answer:
        body = json_body(received)
        check(body, {}, {"reason": any_text})
        found = self._find(execution)
        if found["status"] not in {"queued", "running"}:
            raise Refusal(409, "conflict", f"{execution} is {found['status']} already")
        for stage in found["stages"]:
            stage["status"] = "cancelled" if stage["status"] in {"pending", "running"} else stage["status"]
        found.update(status="cancelled", **body)
        self._advance()
        return json_answer(200, found)

    def _find(self, execution: str) -> dict[str, Any]:
        if execution not in self._executions:
            raise Refusal(404, "not_found", f"there is no execution {execution}")
        return self._executions[execution]

    def _stage(self, execution: str, name: str) -> dict[str, Any]:
        stages = {stage["stageId"]: stage for stage in self._find(execution)["stages"]}
        if name not in stages:
            raise Refusal(404, "not_found", f"{execution} has no stage {name}")
        found: dict[str, Any] = stages[name]
        return found
