"""A client of Airflow's REST API: the few requests with which a run is started, watched and looked into."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from demo.database import WRITER_WAIT
from demo.errors import ApiError, BusyError, DemoError

__all__ = ["FINAL_STATES", "AirflowApi"]

FINAL_STATES = frozenset({"success", "failed"})
"""The states in which a run has ended."""

_POLL_SECONDS, _SLOWEST_POLL_SECONDS, _SLOWER = 0.2, 1, 1.2
"""How soon it is looked again at first and at last, and by what that grows: each look costs a hundredth of a core."""
_ANSWER_TIMEOUT = 2 * WRITER_WAIT + timedelta(seconds=15)
"""Longer than the database makes a request wait, even twice: its own word on that says more than a timeout here."""
_DATABASE_ERROR = '"reason":"Database error"'
"""How Airflow says that SQLite gave up; its message is hidden, and other faults of the database read the same."""
_REPEATABLE = frozenset({"GET", "PATCH"})
_MINUTE = timedelta(minutes=1)

JSON = Any
"""What ``json.loads`` returns."""


class AirflowApi:
    """Speak to the API server at ``url`` (no trailing slash) as an administrator.

    Paths are relative to ``/api/v2``. Every method raises ApiError for a status of 400 and above; what can be asked
    twice without harm is asked once more after a BusyError.
    """

    def __init__(self, url: str, answer_timeout: timedelta = _ANSWER_TIMEOUT) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=answer_timeout.total_seconds(), trust_env=False)
        self._token = ""

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def token(self) -> str:
        """Return a token for the ``Authorization: Bearer`` header; asked for once."""
        if not self._token:
            self._token = str(_checked(self._http.get("/auth/token")).json()["access_token"])
        return self._token

    def get(self, path: str, **query: Any) -> JSON:
        """Return the JSON of ``GET``."""
        return self._json("GET", path, params=query)

    def post(self, path: str, body: JSON = None) -> JSON:
        """Return the JSON of ``POST`` with a JSON body; it is sent only once."""
        return self._json("POST", path, json=body if body is not None else {})

    def patch(self, path: str, body: JSON) -> JSON:
        """Return the JSON of ``PATCH`` with a JSON body."""
        return self._json("PATCH", path, json=body)

    def delete(self, path: str) -> JSON:
        """Return the JSON of ``DELETE``, None where there is no body."""
        return self._json("DELETE", path)

    def _json(self, method: str, path: str, **options: Any) -> JSON:
        try:
            return self._ask(method, path, **options)
        except BusyError:
            if method not in _REPEATABLE:
                raise
        return self._ask(method, path, **options)

    def _ask(self, method: str, path: str, **options: Any) -> JSON:
        headers = {"Authorization": f"Bearer {self.token()}", "Accept": "application/json"}
        try:
            response = self._http.request(method, f"/api/v2/{path.lstrip('/')}", headers=headers, **options)
        except httpx.ReadTimeout as error:
            message = f"{method} {path} was not answered within {self._http.timeout.read:g} s"
            raise BusyError(message, status=httpx.codes.GATEWAY_TIMEOUT) from error
        return _checked(response).json() if response.content else None

    def health(self) -> JSON:
        """Return the state and the last heartbeat of every component."""
        return self.get("monitor/health")

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run this Dag; nothing is written where it may already."""
        if self.get(f"dags/{dag_id}")["is_paused"]:
            self.patch(f"dags/{dag_id}", {"is_paused": False})

    def wait_dag(self, dag_id: str, timeout: timedelta = _MINUTE, *, file: str = "") -> JSON:
        """Wait until the Dag is there and not stale, and return it.

        ``file`` is a part of its file's name: an import error of such a file ends the wait at once, with DemoError.
        """

        def look() -> JSON:
            if file and (broken := [text for name, text in self.import_errors().items() if file in name]):
                raise DemoError(f"{file} has problems:\n{broken[0]}")
            try:
                dag = self.get(f"dags/{dag_id}")
            except ApiError as error:
                if error.status != httpx.codes.NOT_FOUND:
                    raise
                return None
            return None if dag["is_stale"] else dag

        return self.wait(look, f"the Dag {dag_id!r}", timeout)

    def trigger(
        self, dag_id: str, conf: Mapping[str, JSON] | None = None, *, run_id: str | None = None, unpause: bool = True
    ) -> str:
        """Start a run and return its id; a paused Dag is unpaused first, as its run would only wait.

        Without a ``run_id`` one is drawn, so that a request of which nothing was heard can be made again: a run that
        has this id by then is the one that was asked for.
        """
        if unpause:
            self.unpause(dag_id)
        drawn = run_id or f"manual__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}_{secrets.token_hex(4)}"
        body = {"dag_run_id": drawn, "logical_date": None, "conf": dict(conf or {})}
        try:
            self.post(f"dags/{dag_id}/dagRuns", body)
        except BusyError:
            if run_id is not None:
                raise
            self._start_again(dag_id, body)
        return drawn

    def _start_again(self, dag_id: str, body: Mapping[str, JSON]) -> None:
        try:
            self.post(f"dags/{dag_id}/dagRuns", body)
        except ApiError as error:
            if error.status != httpx.codes.CONFLICT:
                raise

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of the run: queued, running, success or failed."""
        return str(self.get(f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def wait_run(self, dag_id: str, run_id: str, timeout: timedelta = 2 * _MINUTE) -> str:
        """Wait until the run has ended and return its state, success or failed."""

        def look() -> str | None:
            state = self.run_state(dag_id, run_id)
            return state if state in FINAL_STATES else None

        return str(self.wait(look, f"the end of the run {run_id!r} of {dag_id!r}", timeout))

    def task_instances(self, dag_id: str, run_id: str) -> dict[str, JSON]:
        """Return the run's task instances by task id (of mapped ones the last)."""
        answer = self.get(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=1000)
        return {instance["task_id"]: instance for instance in answer["task_instances"]}

    def wait_task(
        self, dag_id: str, run_id: str, task_id: str, states: frozenset[str], timeout: timedelta = _MINUTE
    ) -> JSON:
        """Wait until the task is in one of these states and return its task instance."""

        def look() -> JSON:
            instance = self.task_instances(dag_id, run_id).get(task_id)
            return instance if instance is not None and instance["state"] in states else None

        return self.wait(look, f"{task_id!r} of {dag_id!r} in one of {sorted(states)}", timeout)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> JSON:
        """Return the value of an XCom."""
        path = f"{_task(dag_id, run_id, task_id)}/xcomEntries/{key}"
        return self.get(path, deserialize=True, stringify=False)["value"]

    def task_state(self, dag_id: str, run_id: str, task_id: str) -> dict[str, JSON]:
        """Return all that the task keeps in its state store, by key."""
        answer = self.get(f"{_task(dag_id, run_id, task_id)}/state-store", limit=1000)
        return {entry["key"]: entry["value"] for entry in answer["task_state_store"]}

    def log_records(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> list[dict[str, JSON]]:
        """Return the log of one try of a task: ``event``, ``level``, ``timestamp`` and the fields of each record."""
        answer = self.get(f"{_task(dag_id, run_id, task_id)}/logs/{attempt}", full_content=True)
        return [record if isinstance(record, dict) else {"event": str(record)} for record in answer["content"]]

    def logs(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """Return the log of one try of a task as text: a line per record, its event, then its fields as JSON."""
        return "\n".join(_log_line(record) for record in self.log_records(dag_id, run_id, task_id, attempt))

    def import_errors(self) -> dict[str, str]:
        """Return the text of every import error by its file, relative to its bundle."""
        errors = self.get("importErrors", limit=1000)["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def wait(self, look: Callable[[], JSON], what: str, timeout: timedelta = _MINUTE) -> JSON:
        """Look again and again, ever less often, until there is something other than None, and return it.

        DemoError after ``timeout``.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        pause = _POLL_SECONDS
        while (found := look()) is None:
            if time.monotonic() > deadline:
                raise DemoError(f"waited {timeout.total_seconds():g} s for {what}; import errors: {self._broken()}")
            time.sleep(pause)
            pause = min(pause * _SLOWER, _SLOWEST_POLL_SECONDS)
        return found

    def _broken(self) -> str:
        return "\n".join(f"{file}: {text}" for file, text in self.import_errors().items()) or "none"


def _task(dag_id: str, run_id: str, task_id: str) -> str:
    return f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"


def _log_line(record: Mapping[str, JSON]) -> str:
    fields = {name: value for name, value in record.items() if name != "event"}
    return f"{record.get('event', '')} {json.dumps(fields, default=str)}"


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    request = response.request
    message = f"{request.method} {request.url.path} answered {response.status_code}: {response.text[:2000]}"
    busy = response.status_code == httpx.codes.INTERNAL_SERVER_ERROR and _DATABASE_ERROR in response.text
    raise (BusyError if busy else ApiError)(message, status=response.status_code)
