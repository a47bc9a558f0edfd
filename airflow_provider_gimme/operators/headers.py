"""The headers that tell a server which run calls it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow_provider_gimme.http.request import Request

__all__ = ["INSTANCE_HEADER", "SCHEDULED_HEADER", "run_headers", "with_run"]

INSTANCE_HEADER = "X-Workflow-Instance"
"""Carries the run's id; characters that a header cannot hold are percent-encoded."""

SCHEDULED_HEADER = "X-Gimme-AI-Scheduled"
"""``true`` in calls of a run that the schedule began; calls of other runs do not have it."""

_NAMES = frozenset({INSTANCE_HEADER.lower(), SCHEDULED_HEADER.lower()})
_PLAIN = "!#$&'()*+,-./:;<=>?@[]^_`{|}~ "


def with_run(request: Request, run_id: str, *, scheduled: bool) -> Request:
    """Return the request with the headers of its run; a header that the file writes itself stays as it is."""
    ours = run_headers(run_id, scheduled=scheduled)
    written = {name.lower() for name in request.headers}
    if not written.isdisjoint(_NAMES):
        ours = {name: value for name, value in ours.items() if name.lower() not in written}
    return request.with_headers({**ours, **request.headers})


@lru_cache(maxsize=16)
def run_headers(run_id: str, *, scheduled: bool) -> Mapping[str, str]:
    """Return the headers of a run."""
    headers = {INSTANCE_HEADER: quote(run_id, safe=_PLAIN)}
    return {**headers, SCHEDULED_HEADER: "true"} if scheduled else headers
