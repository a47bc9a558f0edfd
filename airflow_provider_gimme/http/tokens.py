"""Fetch a token, keep it until shortly before its end, renew it: once for all calls that need it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow_provider_gimme.errors import BodyError, CallError, CallTimeoutError
from airflow_provider_gimme.http.auth import Token, TokenAuth
from airflow_provider_gimme.http.record import CallRecord, format_call
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.http.retry import RetryRules, decide
from airflow_provider_gimme.http.units import show_duration

__all__ = ["TOKEN_BODY_BYTES", "TOKEN_LIMIT", "TOKEN_RULES", "NoToken", "TokenHolder", "log_token_call"]

TOKEN_LIMIT = timedelta(seconds=10)
"""The limit of one attempt to fetch a token."""

TOKEN_RULES = RetryRules(max_duration=timedelta(seconds=30))
"""When a token is asked for again: for what any call is."""

TOKEN_BODY_BYTES = 256 * 1024
"""The largest answer that is read for a token."""

_GRACE = timedelta(milliseconds=50)
"""How much earlier than its call a wait for a token ends, so that it is the wait that is told of."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class NoToken:
    """Why no token could be fetched."""

    reason: str
    """From where and why, without any secret."""
    cause: CallError | None = None
    """The error of the token's own call; None where it was answered with something else than a token."""


class TokenHolder:
    """Hold the token of one client.

    However many calls need one at the same time, one request fetches it, and its end is the same for all of them.
    """

    def __init__(
        self,
        auth: TokenAuth,
        send: Callable[[Request, int], Awaitable[Response]],
        redactor: Redactor,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Hold the token of ``auth``; ``send`` makes one attempt of a request, ``redactor`` learns each token."""
        self._auth = auth
        self._send = send
        self._redactor = redactor
        self._now = now
        self._sleep = sleep
        self._asked = ""
        self._fetching: asyncio.Task[Token | NoToken] | None = None

    async def get(self, refused: Token | None, within: timedelta, limit: str) -> Token | NoToken:
        """Return a token that lives and is not ``refused``, the one an API did not take; or why there is none.

        ``within`` bounds the wait, ``limit`` is what that is called; the fetching goes on for others that wait for it.
        """
        token = self._auth.kept.token
        if token is not None and token is not refused and (token.until is None or self._now() < token.until):
            return token
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(token))
            self._fetching.add_done_callback(self._fetched)
        fetching = self._fetching
        patience = max(within - _GRACE, timedelta(0))
        done, _ = await asyncio.wait({fetching}, timeout=patience.total_seconds())
        if done:
            return fetching.result()
        reason = f"{self._asked} gave none within {show_duration(within)} ({limit})"
        return NoToken(reason, CallTimeoutError(reason, sent=False))

    async def close(self) -> None:
        """Stop what is being fetched."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    def _fetched(self, task: asyncio.Task[Token | NoToken]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # whoever waits gets it; asyncio would complain of one that nobody waits for

    async def _fetch(self, last: Token | None) -> Token | NoToken:
        """Fetch a token, with retries."""
        started, retries_used = self._now(), 0
        while True:
            try:
                return await self._attempt(last, retries_used + 1)
            except CallError as caught:
                error = caught
            decision = decide(
                TOKEN_RULES,
                error,
                retries_used=retries_used,
                elapsed=self._now() - started,
                random=random.SystemRandom().random,
            )
            if not decision.retry:
                return NoToken(str(error), error)
            _LOG.info("The token is asked for again in %s (%s)", show_duration(decision.wait), decision.reason)
            await self._sleep(decision.wait.total_seconds())
            retries_used += 1

    async def _attempt(self, last: Token | None, attempt: int) -> Token | NoToken:
        """Ask for a token once.

        :raises CallError: where there is no answer, or none of status 2xx.
        """
        request = self._auth.token_request(last, self._now())
        for secret in (*self._auth.secrets, *self._auth.sent_secrets(request)):
            self._redactor.add(secret)
        self._asked = f"{request.method} {self._redactor.redact_url(request.target)}"
        response = await self._send(request, attempt)
        try:
            token = self._auth.read_token(response, self._now())
        except BodyError as error:
            return NoToken(str(error))
        except ValueError as error:
            return NoToken(self._redactor.redact(f"{response.shown} answered {response.status}, but {error}"))
        for secret in (token.value, token.refresh or ""):
            self._hide(secret)
        self._auth.kept.token = token
        return token

    def _hide(self, secret: str) -> None:
        if secret:
            self._redactor.add(secret)
            self._auth.on_secret(secret)


def log_token_call(record: CallRecord) -> None:
    """Log an attempt to fetch a token."""
    _LOG.info("For a token: %s", format_call(record))
