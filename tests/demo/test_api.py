"""The client asks once more when Airflow's database kept a request waiting, and only where that does no harm."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from demo.api import AirflowApi
from demo.errors import ApiError, BusyError

LOCKED = (500, {"detail": {"reason": "Database error", "orig_error": "hidden"}})
SILENT = (0, None)
"""No answer within the client's patience."""


class Scripted(ThreadingHTTPServer):
    """Answer each request with the next entry of ``script``, (status, JSON); remember what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[tuple[int, Any]] = []
        self.seen: list[tuple[str, str, Any]] = []
        self.over = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        status, answer = 200, {"access_token": "t"}
        if self.path != "/auth/token":
            self.server.seen.append((self.command, self.path, body))
            status, answer = self.server.script.pop(0)
        if not status:
            self.server.over.wait(5)
            return
        content = json.dumps(answer, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that the server calls

    def log_message(self, *_: Any) -> None:
        """Say nothing; pytest shows what matters."""


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as started:
        thread = threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield started
        started.over.set()
        started.shutdown()
        thread.join()


def _client(server: Scripted, answer_timeout: timedelta) -> Iterator[AirflowApi]:
    client = AirflowApi(f"http://127.0.0.1:{server.server_port}", answer_timeout)
    client.token()
    yield client
    client.close()


@pytest.fixture
def api(server: Scripted) -> Iterator[AirflowApi]:
    yield from _client(server, timedelta(seconds=30))


@pytest.fixture
def hasty(server: Scripted) -> Iterator[AirflowApi]:
    """Give a client that waits for silence no longer than a busy machine needs for an answer."""
    yield from _client(server, timedelta(seconds=0.5))


@pytest.mark.parametrize("first", [SILENT, LOCKED])
def test_a_read_is_asked_again(hasty: AirflowApi, server: Scripted, first: tuple[int, Any]) -> None:
    """A read that the database kept waiting is asked once more, whether the server said so or nothing."""
    server.script = [first, (200, {"n": 1})]
    assert hasty.get("pools") == {"n": 1}
    assert [method for method, _, _ in server.seen] == ["GET", "GET"]


@pytest.mark.parametrize("answer,said", [(SILENT, "not answered within 0.5 s"), (LOCKED, "answered 500")])
def test_what_stays_busy_is_an_error(hasty: AirflowApi, server: Scripted, answer: tuple[int, Any], said: str) -> None:
    """The second time in a row is an error that names the request."""
    server.script = [answer, answer]
    with pytest.raises(BusyError, match=said) as caught:
        hasty.patch("dags/a", {"is_paused": False})
    assert "dags/a" in str(caught.value)
    assert server.script == []


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_refusal_is_not_asked_again(api: AirflowApi, server: Scripted, status: int) -> None:
    """An answer that is no word of the database is the answer."""
    server.script = [(status, {"detail": "no"})]
    with pytest.raises(ApiError, match=f"answered {status}") as caught:
        api.get("pools")
    assert not isinstance(caught.value, BusyError)


@pytest.mark.parametrize("method", ["post", "delete"])
def test_what_would_do_harm_is_sent_once(api: AirflowApi, server: Scripted, method: str) -> None:
    """A request that may have been done is not made again."""
    server.script = [LOCKED]
    with pytest.raises(BusyError):
        getattr(api, method)("pools/a")
    assert len(server.seen) == 1


@pytest.mark.parametrize("second", [(200, {}), (409, {"detail": "there is one"})])
def test_a_start_is_asked_again_for_the_same_run(hasty: AirflowApi, server: Scripted, second: tuple[int, Any]) -> None:
    """A start of which nothing was heard is asked for again by its id; that there is such a run by then is success."""
    server.script = [(200, {"is_paused": False}), SILENT, second]
    run_id = hasty.trigger("a", {"n": 1})
    starts = [body for method, _, body in server.seen if method == "POST"]
    assert starts == [{"dag_run_id": run_id, "logical_date": None, "conf": {"n": 1}}] * 2


def test_a_run_that_is_there_already_is_refused(api: AirflowApi, server: Scripted) -> None:
    """A conflict at the first start is an error: somebody else has this id."""
    server.script = [(200, {"is_paused": False}), (409, {"detail": "there is one"})]
    with pytest.raises(ApiError, match="409"):
        api.trigger("a", run_id="mine")


def test_a_start_with_an_id_of_the_callers_is_sent_once(api: AirflowApi, server: Scripted) -> None:
    """The caller's id may be another run's, so nothing can be concluded from a conflict."""
    server.script = [(200, {"is_paused": False}), LOCKED]
    with pytest.raises(BusyError):
        api.trigger("a", run_id="mine")
    assert len(server.seen) == 2


def test_only_a_paused_dag_is_unpaused(api: AirflowApi, server: Scripted) -> None:
    """Nothing is written for a Dag that may run."""
    server.script = [(200, {"is_paused": False}), (200, {"is_paused": True}), (200, {})]
    api.unpause("a")
    api.unpause("b")
    assert [(method, path) for method, path, _ in server.seen] == [
        ("GET", "/api/v2/dags/a"),
        ("GET", "/api/v2/dags/b"),
        ("PATCH", "/api/v2/dags/b"),
    ]
