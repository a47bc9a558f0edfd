"""What a ``job`` step may say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.call import Call, Method
from airflow_provider_gimme.config.expect import Statuses
from airflow_provider_gimme.config.fallback import Fallbacks
from airflow_provider_gimme.config.retry import Backoff
from airflow_provider_gimme.config.scalars import Limit, Name, Text
from airflow_provider_gimme.config.step import Step

__all__ = ["Asked", "Cancel", "Fetch", "Job", "Poll", "StepConfig"]


class Asked(Config):
    """A call about a job that was submitted; templates know it as ``job.id`` and ``job.response``."""

    service: Name | None = None
    """One of the workflow's ``services``; the step's own if nothing is written."""
    endpoint: Text
    """The path under the base. One expression over an answer (``{{ job.response.url }}``) is followed as a link."""
    method: Method | None = None
    """The method; GET to poll and to fetch (POST with a ``payload``), POST to cancel."""
    query: dict[str, Any] | None = None
    """The query's parameters; a list repeats the name."""
    headers: dict[str, Text] | None = None
    """Headers of this call."""
    payload: Any = None
    """A JSON body; strings are templates, a lone one keeps its type."""

    @field_validator("method", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Poll(Asked):
    """Say how the job is asked for its state."""

    every: Limit = timedelta(seconds=10)
    """The wait between two polls; an answer's ``Retry-After`` that is longer counts."""
    backoff: Backoff = "constant"
    """How the wait grows: ``constant``, ``linear`` or ``exponential``."""
    max_every: Limit = timedelta(minutes=5)
    """The longest wait that ``backoff`` comes to."""
    timeout: Limit = timedelta(hours=1)
    """How long the job may take, from the submit; then it is cancelled and the step fails."""
    status: Statuses = "2xx"
    """The statuses of an answer that tells of the job."""


class Fetch(Asked):
    """A call that fetches the result of a job that is done."""

    timeout: Limit = timedelta(minutes=10)
    """The limit of one attempt, body included."""
    save_to: Text | None = None
    """A path under the site's storage that the body is streamed to; the output is a reference to it."""


class Cancel(Asked):
    """A call that cancels a job nobody waits for any more: killed, cleared, marked, timed out."""


class Job(Config):
    """Say what follows a submit: how the job is known, asked for its state, fetched, cancelled."""

    id: Text | None = None
    """What the submit's answer calls the job: a ``$.`` path over its body, or an expression over ``response``."""
    poll: Poll
    """How the job is asked for its state."""
    done_when: Text
    """The job is done: a condition over a poll's answer (``$`` is its body)."""
    fail_when: Text | None = None
    """The job has failed or was cancelled: a condition over a poll's answer."""
    result: Text | Fetch | None = None
    """The result: an expression over the last poll's answer, or a call; the last poll's body if nothing is written."""
    progress: Text | None = None
    """An expression over a poll's answer; shown in the log and as XCom ``progress`` whenever it changes."""
    cancel: Cancel | None = None
    """The call that cancels the job when the task is killed, cleared, marked or timed out."""


class StepConfig(Step, Call):
    """Submit a job by the step's own call, once; wait for it without a worker; its result is the output."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (*Step.exclusive, *Call.exclusive)

    type: Literal["job"]
    job: Job
    """What follows the submit."""
    fallback: Fallbacks | None = None
    """Other calls that submit the job, tried in order when this one was refused for good; ``job`` holds for all."""

    @property
    def bounded(self) -> bool:
        """No: a job takes as long as it takes, up to ``poll.timeout``."""
        return False
