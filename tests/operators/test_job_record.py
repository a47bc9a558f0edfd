"""What is kept of a submitted job, and for whom: a try that follows it, or a series that knows nothing of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.operators.engine import Engine
from airflow_provider_gimme.operators.job_record import JobRecord
from airflow_provider_gimme.operators.job_run import JobRun, is_wanted
from airflow_provider_gimme.plan import plan_text
from tests.operators.api import serve_api
from tests.triggers.conftest import secrets

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own, at the first import of its models

BEGUN = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Store:
    """A task's state, in memory; it dies before it has written so many values."""

    values: dict[str, Any] = field(default_factory=dict)
    left: int = 1000

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        if not self.left:
            raise ConnectionError("the process dies")
        self.left -= 1
        self.values[key] = value


@dataclass(frozen=True)
class Run:
    """One task, as far as it is asked for here."""

    state: str | None = "running"
    may_retry: bool = True
    dag_id: str = "d"
    run_id: str = "r"
    task_id: str = "t"
    max_tries: int = 4
    error: Exception | None = None
    store: Any = None
    scheduled: bool = False

    def states(self, task_ids: tuple[str, ...]) -> dict[str, str | None]:
        if self.error is not None:
            raise self.error
        return dict.fromkeys(task_ids, self.state)


def record(response: Any = None, max_tries: int = 4) -> JobRecord:
    """Return the record of a job."""
    run: Any = Run(max_tries=max_tries)
    return JobRecord.of(run, {"id": 7}, response, BEGUN, {"method": "POST", "body": "ä" * 10})


@pytest.mark.parametrize("response", [None, {"a": 1}, {"long": "ä🎈" * 30_000}])
def test_what_is_kept_is_found_again(response: Any) -> None:
    """However long the submit's answer is; no value is longer than Airflow takes without a warning."""
    store = Store()
    record(response).keep(store)
    assert JobRecord.load(store, 4) == record(response)
    assert all(len(str(value)) <= 60_000 for value in store.values.values())


def test_a_cleared_task_knows_no_job() -> None:
    """Another `max_tries` is another series, which submits anew and then has its own."""
    store = Store()
    record().keep(store)
    assert JobRecord.load(store, 6) is None
    record(max_tries=6).keep(store)
    assert JobRecord.load(store, 4) is None
    found = JobRecord.load(store, 6)
    assert found is not None
    assert found.key != record().key


@pytest.mark.parametrize("written", range(3))
def test_a_record_is_there_whole_or_not_at_all(written: int) -> None:
    """A process that dies while it writes leaves no record: the submit is made again under its key."""
    store = Store(left=written)
    with pytest.raises(ConnectionError):
        record("x" * 100_000).keep(store)
    assert JobRecord.load(store, 4) is None


def test_a_cancelled_job_is_known_as_such() -> None:
    """So that it is not cancelled twice."""
    store = Store()
    record({"a": 1}).keep(store)
    assert record({"a": 1}).keep_cancelled(store).cancelled
    found = JobRecord.load(store, 4)
    assert found is not None
    assert (found.cancelled, found.response) == (True, {"a": 1})


CANCELLABLE = """
name: d
api_base: API
steps:
  - name: t
    type: job
    endpoint: /jobs
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}"}
      done_when: $.status != "running"
      cancel: {endpoint: "/jobs/{{ job.id }}", method: DELETE}
"""


def test_who_finds_a_cancelled_job_does_not_cancel_it_again() -> None:
    """The process that cancelled it may have died before it could say so."""
    given, keys = secrets(), set()
    with serve_api() as api:
        step = plan_text(CANCELLABLE.replace("API", api.url), "w.yaml").by_id["t"]
        run: Any = Run(store=Store())
        JobRecord.of(run, 7, None, BEGUN, None).keep(run.store)
        for _ in range(2):
            found: Any = JobRecord.load(run.store, run.max_tries)
            job = JobRun(step.work, step, run, Scope(secret=given), found, given, Engine(), logging.getLogger())  # type: ignore[arg-type]
            assert job.cancel() == "job 7 was cancelled"
            keys.add(found.key)
        (cancel,) = api.got
    assert (cancel.method, cancel.path) == ("DELETE", "/jobs/7")
    assert cancel.headers["Idempotency-Key"] not in keys


@pytest.mark.parametrize(
    "run, wanted",
    [
        (Run("running"), True),
        (Run("running", may_retry=False), False),
        (Run("up_for_retry"), True),
        (Run("queued"), True),
        (Run("restarting"), False),
        (Run("failed"), False),
        (Run("success"), False),
        (Run("skipped"), False),
        (Run(None), True),
        (Run(error=EOFError()), True),
        (Run(error=AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))), True),
    ],
)
def test_who_still_wants_a_task_that_is_told_to_stop(run: Any, *, wanted: bool) -> None:
    """Its job is cancelled only where no try will follow it."""
    kept = replace(run, store=Store())
    record().keep(kept.store)
    assert is_wanted(kept) is wanted


@pytest.mark.parametrize("state", ["running", "success", "failed"])
def test_a_job_is_that_of_the_latest_try(state: str) -> None:
    """A try that Airflow took for dead finds nothing of what it kept, and leaves the job to the one that has come."""
    assert is_wanted(Run(state, may_retry=False, store=Store()))  # type: ignore[arg-type]
