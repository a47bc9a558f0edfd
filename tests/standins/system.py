"""What every stand-in service has: paths, credentials, work that takes time, and answers kept by idempotency key."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tests.standins.exchange import Answer, Handler, Received, Refusal, Router
from tests.standins.ledger import KEY

__all__ = ["System"]

_UNSAFE = frozenset({"POST", "PATCH"})


@dataclass(frozen=True)
class _Work:
    """The work for one idempotency key, and what was asked for with it."""

    fingerprint: str
    task: asyncio.Task[Answer]


class System:
    """A service. Its work goes on when the caller has gone away, as it does behind a real API.

    A POST or PATCH with an ``Idempotency-Key`` is done once: the same key gets the same answer, also while the
    first call is still at work; with another request it is refused with 422. Answers of 400 and above are not kept.
    """

    name: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}
    """What can be set about the service's behaviour, with its default."""

    def __init__(self, token: str, webhook_secret: str) -> None:
        self.token = token
        self.webhook_secret = webhook_secret
        self._tasks: set[asyncio.Task[Answer]] = set()
        self.reset()

    def reset(self) -> None:
        """Forget everything but the token and the secret."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._by_key: dict[str, _Work] = {}
        self._set = dict(self.settings)
        self._router = Router(self.routes())

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return (method, path) to who answers it."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return what the service has stored, as JSON data."""
        raise NotImplementedError

    def authorize(self, received: Received) -> None:
        """Let a request pass.

        :raises Refusal: 401 where its credentials are missing or wrong.
        """

    def environment(self, url: str) -> dict[str, str]:
        """Return what a workflow reads to call the service at ``url``, by the names of its ``${NAME}``."""
        prefix = self.name.upper()
        return {
            f"{prefix}_API_BASE": url,
            f"{prefix}_API_KEY": self.token,
            f"{prefix}_WEBHOOK_SECRET": self.webhook_secret,
        }

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Change settings.

        :raises ValueError: for a setting that the service does not have.
        """
        if unknown := sorted(set(settings) - set(self.settings)):
            raise ValueError(f"no such setting: {', '.join(unknown)}; there are {', '.join(sorted(self.settings))}")
        self._set.update(settings)

    def setting(self, name: str) -> Any:
        """Return a setting."""
        return self._set[name]

    async def answer(self, received: Received) -> Answer:
        """Do what the request asks for and return the answer, refusals included."""
        try:
            self.authorize(received)
            handler, parts = self._router.find(received.method, received.path)
            return await self._once(received, lambda: _refusable(handler(received, **parts)))
        except Refusal as refusal:
            return refusal.answer

    async def _once(self, received: Received, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        key = received.header(KEY) if received.method in _UNSAFE else None
        known = self._by_key.get(key) if key else None
        if known is None:
            task = self._start(work())
            if key:
                self._by_key[key] = _Work(_fingerprint(received), task)
                task.add_done_callback(lambda _: self._forget_failure(key))
            return await asyncio.shield(task)
        if known.fingerprint != _fingerprint(received):
            raise Refusal(422, "idempotency_key_reused", f"{KEY} {key} came before with another request")
        return replace(await asyncio.shield(known.task), replayed=True)

    def _start(self, work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _forget_failure(self, key: str) -> None:
        known = self._by_key.get(key)
        if known and known.task.done() and (known.task.cancelled() or known.task.result().status >= 400):
            del self._by_key[key]


async def _refusable(work: Awaitable[Answer]) -> Answer:
    try:
        return await work
    except Refusal as refusal:
        return refusal.answer


def _fingerprint(received: Received) -> str:
    request = f"{received.method} {received.path}?{received.query}\n".encode() + received.body
    return hashlib.sha256(request).hexdigest()
