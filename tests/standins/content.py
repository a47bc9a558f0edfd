"""Content: pieces about clips, in pages or by a job, as the content pipeline's plan describes its API.

What the plan says: ``POST /api/content/generate`` takes ``page`` (default 1) and ``limit`` (default 20, at most 100) in
its body, a ``date_range`` and a ``content_type``; it answers with ``content_items``, ``pagination`` and a ``summary``.
With ``mode: async`` it answers with a ``job_id`` and a ``job_status``, and ``idempotency_key`` in the body protects
from replays. The plan does not say where a job is asked for: here it is ``GET /api/content/jobs/{job_id}``, which
answers in the same form, with items once the job is completed. Nor does it say how its calls are signed, only that
they are, by HMAC: here ``X-Signature`` is ``sha256=`` and the hex HMAC-SHA256 of ``timestamp.METHOD.path.body`` under
the token, and ``X-Timestamp`` holds the seconds since 1970 of at most five minutes ago.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.standins.checks import a_text, an_integer, an_object, check, one_of
from tests.standins.exchange import Answer, Handler, Received, Refusal, json_answer, json_body
from tests.standins.system import System

__all__ = ["Content", "sign_call"]

GENERATE = "/api/content/generate"
CONTENT_TYPES = ("daily_recap", "weekly_summary", "topic_focus")
SORTS = ("created_at", "view_count", "content_score", "duration")
STATES = ("queued", "processing", "completed")
_TOLERANCE_SECONDS = 300


_FIELDS = {"date_range": an_object, "content_type": one_of(CONTENT_TYPES)}
_OPTIONS = {
    "page": an_integer(1, 1_000_000),
    "limit": an_integer(1, 100),
    "sort_by": one_of(SORTS),
    "sort_order": one_of(("asc", "desc")),
    "filters": an_object,
    "repository": a_text,
    "mode": one_of(("sync", "async")),
    "idempotency_key": a_text,
}


class Content(System):
    """The API that makes content of clips."""

    name = "content"
    settings: ClassVar[Mapping[str, Any]] = {
        "items": 45,  # how many pieces there are
        "polls": 2,  # how often a job is asked for before it is completed
        "fails": False,  # whether jobs fail
    }

    def reset(self) -> None:
        """Forget every job."""
        super().reset()
        self._jobs: dict[str, dict[str, Any]] = {}
        self._job_ids: dict[str, str] = {}

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return the API's paths."""
        return {("POST", GENERATE): self._generate, ("GET", "/api/content/jobs/{job_id}"): self._get_job}

    def state(self) -> dict[str, Any]:
        """Return the jobs, in the order in which they were submitted."""
        return {"jobs": list(self._jobs.values())}

    def authorize(self, received: Received) -> None:
        """Want a signature of the call, made within the last five minutes."""
        timestamp = received.header("X-Timestamp") or ""
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > _TOLERANCE_SECONDS:
            raise Refusal(401, "unauthorized", "X-Timestamp is missing or too old")
        right = sign_call(self.token, timestamp, received.method, received.path, received.body)
        if not hmac.compare_digest(right.encode(), (received.header("X-Signature") or "").encode(errors="replace")):
            raise Refusal(401, "unauthorized", "the signature is missing or wrong")

    async def _generate(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, _FIELDS, _OPTIONS)
        check(body["date_range"], {"start": a_text, "end": a_text}, {})
        if body.get("mode") == "async":
            return json_answer(202, self._show(self._submit(body)))
        return json_answer(200, self._page(body))

    def _submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take a job, or find the one that came under the same key."""
        key = body.get("idempotency_key")
        job_id = self._job_ids.get(key or "") or f"job-{len(self._jobs) + 1}"
        if key:
            self._job_ids[key] = job_id
        return self._jobs.setdefault(job_id, {"job_id": job_id, "request": dict(body), "polls": 0})

    async def _get_job(self, received: Received, job_id: str) -> Answer:
        if job_id not in self._jobs:
            raise Refusal(404, "not_found", f"there is no job {job_id}")
        self._jobs[job_id]["polls"] += 1
        return json_answer(200, self._show(self._jobs[job_id]))

    def _show(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer about a job: queued until it is asked for, processing, then completed or failed."""
        enough = job["polls"] >= self.setting("polls")
        status = ("failed" if self.setting("fails") else "completed") if enough else STATES[min(job["polls"], 1)]
        page = self._page(job["request"])
        if status != "completed":
            del page["content_items"]
        if status == "failed":
            now = datetime.now(UTC).isoformat()
            page["error"] = {"code": "model_unavailable", "message": "no model could be reached", "occurred_at": now}
        return {"job_id": job["job_id"], "job_status": status, **page}

    def _page(self, body: Mapping[str, Any]) -> dict[str, Any]:
        page, limit, total = body.get("page", 1), body.get("limit", 20), self.setting("items")
        pages = -(-total // limit)
        numbers = range((page - 1) * limit + 1, min(page * limit, total) + 1)
        pagination = {"total_items": total, "total_pages": pages, "current_page": page, "per_page": limit}
        return {
            "content_items": [_item(number) for number in numbers],
            "date_range": body["date_range"],
            "pagination": {**pagination, "has_next": page < pages, "has_prev": page > 1},
            "summary": {"total_clips": total, "total_prs": 3, "total_commits": 12, "total_issues": 1},
        }


def sign_call(secret: str, timestamp: str, method: str, path: str, body: bytes = b"") -> str:
    """Return the ``X-Signature`` of a call."""
    signed = f"{timestamp}.{method}.{path}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _item(number: int) -> dict[str, Any]:
    return {
        "schema_version": "1.0.0",
        "content_item_id": f"item-{number:03d}",
        "clip_id": f"clip-{number:03d}",
        "clip_title": f"Clip {number}",
        "clip_duration": 30 + number % 30,
        "processing_status": "ready_for_content",
        "content_score": round(0.5 + number % 50 / 100, 2),
    }
