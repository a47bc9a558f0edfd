"""Tokens by a login: a call that you describe, a place in its answer, a header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_gimme.http.auth import Token, TokenAuth, with_header
from airflow_provider_gimme.http.lifetime import used_until
from airflow_provider_gimme.http.request import Request, Response

__all__ = ["SessionAuth"]


@dataclass(frozen=True, kw_only=True)
class SessionAuth(TokenAuth):
    """Send a token that a login gave."""

    login: Request = field(repr=False)
    """The request that logs in; its URL is absolute."""
    read: Callable[[Any], Any] = field(repr=False, compare=False)
    """Returns the token in a body, None where there is none."""
    read_end: Callable[[Any], Any] | None = field(default=None, repr=False, compare=False)
    """Returns what a body says of the token's end."""
    header: str = "Authorization"
    prefix: str = ""
    """What stands before the token in the header, a space included."""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """What of the login must be hidden."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of the login must be hidden."""
        return self.hidden

    def token_request(self, last: Token | None, now: datetime) -> Request:  # noqa: ARG002 - always the same
        """Return the login."""
        return self.login

    def read_token(self, response: Response, now: datetime) -> Token:
        """Return the token of a login's answer."""
        body = response.data()
        value = self.read(body)
        if not isinstance(value, str) or not value:
            raise ValueError(f"there is no text at 'token' in its body{_members(body)}")
        return Token(value, None if self.read_end is None else used_until(self.read_end(body), now))

    def with_token(self, request: Request, token: Token) -> Request:
        """Return the request with the header."""
        return with_header(request, self.header, f"{self.prefix}{token.value}")


def _members(body: object) -> str:
    if not isinstance(body, dict):
        return ", which is no JSON object"
    names = ", ".join(sorted(str(name)[:40] for name in body)[:10])
    return f" (it has: {names or 'nothing'})"
