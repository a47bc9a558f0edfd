"""Which limit fired: each is named in what a person reads, by the key that it is written under.

Those within an exchange (`read_timeout`, the limit for connecting) are told in `tests/http`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.operators.api import Api
from tests.operators.conftest import RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

STEP = "name: flow\napi_base: API\n{more}steps:\n  - {{name: a, endpoint: /a, {keys}}}\n"


@dataclass(frozen=True)
class Limit:
    """A limit: what a file writes to set it, what the API does, and the words that name it."""

    keys: str
    words: str
    status: int = 200
    body: bytes = b"{}"
    seconds: float = 0
    headers: tuple[tuple[str, str], ...] = ()
    more: str = ""
    log: bool = False
    """Whether it is what ends the attempts: the log's line of the last one tells it."""


BUSY = (("Retry_After", "7200"),)
LIMITS = {
    "retry.limit": Limit("retry: {limit: 1, delay: 10ms}", "the limit of 1 retries is used up", 503, log=True),
    "retry.max_wait": Limit(
        "retry: {limit: 1}", "the server asks to wait 2 h, more than 'max_wait' 1 h", 503, headers=BUSY, log=True
    ),
    "retry.max_duration": Limit(
        "retry: {limit: 5, delay: 5s, max_duration: 2s}", "would begin beyond 'max_duration' 2 s", 503, log=True
    ),
    "retry.max_duration, within an attempt": Limit(
        "retry: {limit: 5, max_duration: 200ms}", "(what 'max_duration' 200 ms leaves)", seconds=5
    ),
    "retry.timeout": Limit(
        "retry: {limit: 0, timeout: 200ms}", "no complete answer within 200 ms ('retry.timeout')", seconds=5
    ),
    "timeout": Limit("timeout: 200ms, retry: {limit: 0}", "within 200 ms (the step's 'timeout')", seconds=5),
    "timeout, shorter than retry.timeout": Limit(
        "timeout: 200ms, retry: {limit: 0, timeout: 9s}", "ms (the step's 'timeout')", seconds=5
    ),
    "the largest body": Limit("timeout: 9s", "the body is larger than 5 MB", body=b"x" * (5 * 1024 * 1024 + 1)),
    "the run's timeout": Limit("timeout: 9s", "the run's timeout of 1s is used up", seconds=5, more="timeout: 1s\n"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_that_fired_is_named(
    run_workflow: RunWorkflow, api: Api, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the step's error where it ended an attempt, in the attempt's line of the log where it allowed no other one."""
    limit = LIMITS[name]
    api.answer("/a", limit.status, limit.body, **dict(limit.headers))
    api.delays["/a"] = limit.seconds
    ran = run_workflow(STEP.format(keys=limit.keys, more=limit.more))
    error = ran.xcom("a", "error")
    assert ran.state == "failed"
    told = " ".join(capsys.readouterr().out.split()) if limit.log else error["message"]
    assert limit.words in told
