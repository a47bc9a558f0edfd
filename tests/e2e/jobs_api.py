"""An API of jobs on loopback, in a thread: it keeps what it got, and can be told to hang at any step of a job."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from tests.e2e.threads import serve

__all__ = ["Got", "JobsApi", "serve_jobs"]

What = Literal["submit", "poll", "result", "cancel"]


@dataclass(frozen=True)
class Got:
    """One call that came in."""

    what: What
    name: str
    """The job's name, as it was submitted."""
    run: str
    """The run that made the call."""
    key: str | None


@dataclass
class JobsApi:
    """Jobs by id; the same key is the same job. A job is done once its name is in ``done``."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    hangs: set[tuple[What, str, int]] = field(default_factory=set)
    """(what, name, n): the n-th such call of each run, from 1, never gets an answer."""
    done: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    jobs: dict[str, str] = field(default_factory=dict)
    """The id of a job by the key of its submit."""
    _counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def of(self, run: str, name: str, what: What) -> list[Got]:
        """Return what came in of a kind for a job of a run."""
        return [got for got in self.got if (got.run, got.name, got.what) == (run, name, what)]

    def keys(self, run: str, name: str, what: What) -> list[str | None]:
        """Return the keys of these calls, each once, in order."""
        return list(dict.fromkeys(got.key for got in self.of(run, name, what)))

    async def submit(self, request: web.Request) -> web.Response:
        """Take a job, or find the one of this key."""
        name = (await request.json())["name"]
        key = request.headers["Idempotency-Key"]
        job = self.jobs.setdefault(key, f"{name}.{len(self.jobs) + 1}")
        await self._note(request, "submit", name)
        return web.json_response({"job_id": job}, status=202)

    async def poll(self, request: web.Request) -> web.Response:
        """Tell the state of a job."""
        job = request.match_info["job"]
        name = job.partition(".")[0]
        await self._note(request, "poll", name)
        status = "cancelled" if job in self.cancelled else "done" if name in self.done else "running"
        return web.json_response({"status": status, "polls": len(self.got)})

    async def result(self, request: web.Request) -> web.Response:
        """Give the result of a job."""
        job = request.match_info["job"]
        await self._note(request, "result", job.partition(".")[0])
        return web.json_response({"of": job})

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel a job."""
        job = request.match_info["job"]
        await self._note(request, "cancel", job.partition(".")[0])
        self.cancelled.add(job)
        return web.json_response({}, status=202)

    async def _note(self, request: web.Request, what: What, name: str) -> None:
        run = request.headers["X-Workflow-Instance"]
        self.got.append(Got(what, name, run, request.headers.get("Idempotency-Key")))
        self._counts[run, what, name] += 1
        if (what, name, self._counts[run, what, name]) in self.hangs:
            await asyncio.Event().wait()


@contextmanager
def serve_jobs() -> Iterator[JobsApi]:
    """Run the API until the block ends."""
    api = JobsApi()

    def make() -> web.Application:
        app = web.Application()
        app.router.add_post("/jobs", api.submit)
        app.router.add_get("/jobs/{job}", api.poll)
        app.router.add_get("/jobs/{job}/result", api.result)
        app.router.add_post("/jobs/{job}/cancel", api.cancel)
        return app

    with serve(make) as api.url:
        yield api
