"""A stand-in in a process of its own, as tests and the demo use it."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from tests.standins.ledger import Call, Ledger
from tests.standins.webhooks import Delivery, new_secret

__all__ = ["StandIn"]

ROOT = Path(__file__).resolve().parents[2]
_SECONDS_TO_END = 5


class StandIn:
    """Start a stand-in on a free loopback port; :meth:`close` ends it, and so does the end of this process.

    It is ready when this object is made. Settings of the service go by name, as ``question_seconds=0.1``.

    :raises RuntimeError: where it does not start; its messages are on standard error.
    """

    url: str
    """Where it listens: ``http://127.0.0.1:<port>``."""
    token: str
    """The bearer token it accepts; random unless given."""
    webhook_secret: str
    """The secret it checks webhooks with; random unless given."""
    environment: Mapping[str, str]
    """What workflows read: ``DERIVATIV_API_BASE``, ``DERIVATIV_API_KEY``, ``DERIVATIV_WEBHOOK_SECRET`` and the like."""

    def __init__(
        self,
        system: str = "derivativ",
        *,
        port: int = 0,
        token: str | None = None,
        webhook_secret: str | None = None,
        **settings: Any,
    ) -> None:
        command = [sys.executable, "-m", "tests.standins", system, "--with-stdin", "--port", str(port)]
        command += [part for name, value in settings.items() for part in ("--set", f"{name}={json.dumps(value)}")]
        self._settings = settings
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "STANDIN_TOKEN": token or "standin-" + secrets.token_urlsafe(18),
                "STANDIN_WEBHOOK_SECRET": webhook_secret or new_secret(),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._read_hello(system)

    def _read_hello(self, system: str) -> None:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self.close()
            raise RuntimeError(f"the stand-in {system!r} has ended with {self._process.returncode} instead of serving")
        hello = json.loads(line)
        self.url, self.token, self.webhook_secret = hello["url"], hello["token"], hello["webhook_secret"]
        self.environment = hello["environment"]

    @property
    def pid(self) -> int:
        """The process, which leads a group of its own."""
        return self._process.pid

    def close(self) -> None:
        """End it and wait until it is gone; a second time does nothing."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ledger(self) -> Ledger:
        """Return every call it got since it was started or reset."""
        return Ledger.from_json(self._control("GET", "ledger"))

    def calls(self, path: str, method: str | None = None) -> tuple[Call, ...]:
        """Return the calls it got to one path."""
        return self.ledger().to(path, method)

    def state(self) -> dict[str, Any]:
        """Return what the service has stored."""
        state: dict[str, Any] = self._control("GET", "state")
        return state

    def deliveries(self) -> list[Delivery]:
        """Return the webhooks it got, in order."""
        return [Delivery(**delivery) for delivery in self.state()["deliveries"]]

    def fail(
        self,
        path: str = "*",
        *,
        method: str | None = None,
        where: Mapping[str, Any] | None = None,
        run: str | None = None,
        nth: int | Sequence[int] | None = 1,
        each: Literal["path", "key"] = "path",
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        processed: bool = False,
        stall: float = 0,
        hang: bool = False,
        cut: Literal["headers", "body"] | None = None,
        slow: float = 0,
        garbage: str | None = None,
        lie: int = 0,
    ) -> None:
        """Let it go wrong from now on; see :class:`tests.standins.faults.Fault` for every word.

        ``path`` may hold ``*``, and then counts each path by itself. ``nth`` is a number from 1, several, or None for
        every call. Of several faults that a call could meet, it meets the one set first.
        """
        fault = {"path": path, "method": method, "where": dict(where or {}), "run": run, "each": each, "status": status,
                 "nth": nth if isinstance(nth, int | None) else list(nth), "headers": dict(headers or {}),
                 "body": body, "processed": processed, "stall": stall, "hang": hang, "cut": cut, "slow": slow,
                 "garbage": garbage, "lie": lie}  # fmt: skip
        self._control("POST", "faults", fault)

    def limit(
        self, path: str = "*", *, max_open: int | None = None, per_second: int | None = None, retry_after: int = 1
    ) -> None:
        """Let it answer 429 with ``Retry-After`` to what goes beyond; scheduled runs are exempt from ``per_second``."""
        limit = {"path": path, "max_open": max_open, "per_second": per_second, "retry_after": retry_after}
        self._control("POST", "limits", limit)

    def configure(self, **settings: Any) -> None:
        """Change settings of the service until the next reset: ``question_seconds``, ``quality`` and the like."""
        self._control("POST", "settings", settings)

    def reset(self) -> None:
        """Forget calls, faults, limits and all that is stored; settings are again those it was started with."""
        self._control("POST", "reset")
        self.configure(**self._settings)

    def _control(self, method: str, what: str, data: Any = None) -> Any:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(method, f"/_standin/{what}", json.dumps(data) if data is not None else None)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer["error"]["message"])
        return answer
