"""Credentials: what each makes of a request, without I/O.

A request is signed anew for each attempt, and only for calls to the base's own origin. Credentials that need an answer
first, a token, say how to ask for it and how to read the answer; who asks, keeps and renews is the client.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from urllib.parse import unquote_plus

from airflow_provider_gimme.errors import RequestError
from airflow_provider_gimme.http.headers import replace_header
from airflow_provider_gimme.http.request import Request, Response

__all__ = [
    "ApiKeyAuth",
    "Auth",
    "BasicAuth",
    "BearerAuth",
    "HeaderAuth",
    "Kept",
    "NoAuth",
    "Token",
    "TokenAuth",
    "whole_body",
    "with_header",
]


class Auth:
    """Send no credentials; the base of those that do."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be hidden wherever it shows."""
        return ()

    @property
    def header_names(self) -> tuple[str, ...]:
        """The names of the headers it sets, which no other origin gets."""
        return tuple(self.sign(Request("GET", "")).headers)

    def sign(self, request: Request) -> Request:
        """Return the request with credentials.

        :raises RequestError: where they cannot be made for this request.
        """
        return request

    def sketch(self, request: Request) -> Request:
        """Return the request as it is sent, with ``<…>`` in place of what is only known then; for people to read."""
        return self.sign(request)


class NoAuth(Auth):
    """Send no credentials."""


@dataclass(frozen=True)
class BearerAuth(Auth):
    """Send ``Authorization: Bearer <token>`` (RFC 6750)."""

    token: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)

    def sign(self, request: Request) -> Request:
        """Return the request with the header."""
        return with_header(request, "Authorization", f"Bearer {self.token}")


@dataclass(frozen=True)
class ApiKeyAuth(Auth):
    """Send a key in a header, or in the query under the same name."""

    key: str = field(repr=False)
    header_name: str = "X-API-Key"
    in_: Literal["header", "query"] = "header"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self.key,)

    def sign(self, request: Request) -> Request:
        """Return the request with the key, in place of any that it has."""
        if self.in_ == "header":
            return with_header(request, self.header_name, self.key)
        url, query = _without_parameter(request.url, self.header_name), request.query
        kept = tuple(pair for pair in query if pair[0] != self.header_name)
        return replace(request, url=url, query=(*kept, (self.header_name, self.key)))


@dataclass(frozen=True)
class BasicAuth(Auth):
    """Send ``Authorization: Basic …`` (RFC 7617), in UTF-8."""

    username: str
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password, and both as they are sent."""
        return (self.password, f"{self.username}:{self.password}")

    def sign(self, request: Request) -> Request:
        """Return the request with the header."""
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return with_header(request, "Authorization", f"Basic {pair}")


@dataclass(frozen=True)
class HeaderAuth(Auth):
    """Send headers of your own."""

    headers: Mapping[str, str] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values, and of those with a scheme (``Token abc``) what follows it."""
        values = tuple(self.headers.values())
        return (*values, *(value.partition(" ")[2].strip() for value in values))

    def sign(self, request: Request) -> Request:
        """Return the request with the headers."""
        for name, value in self.headers.items():
            request = with_header(request, name, value)
        return request


@dataclass(frozen=True)
class Token:
    """What was fetched, and until when it is used."""

    value: str = field(repr=False)
    until: datetime | None = None
    """The moment from which on it is not used any more, shortly before its end; None where the end is not known."""
    refresh: str | None = field(default=None, repr=False)
    """What renews it, where the answer gave that."""


@dataclass
class Kept:
    """The token that was fetched last; copies of the credentials share it."""

    token: Token | None = None


def _ignore(_secret: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class TokenAuth(Auth):
    """Send a token that a call of its own fetches."""

    on_secret: Callable[[str], None] = field(default=_ignore, repr=False, compare=False)
    """Gets every token as soon as it is known, to hide it."""
    kept: Kept = field(default_factory=Kept, repr=False, compare=False)

    @property
    def header_names(self) -> tuple[str, ...]:
        """The header of the token."""
        return tuple(self.with_token(Request("GET", ""), Token("")).headers)

    def token_request(self, last: Token | None, now: datetime) -> Request:
        """Return the request that fetches a token; ``last`` is the one before.

        :raises RequestError: where it cannot be made.
        """
        raise NotImplementedError

    def sent_secrets(self, request: Request) -> tuple[str, ...]:  # noqa: ARG002 - of those that make some
        """Return what of a request that was made for a token must be hidden, beside ``secrets``."""
        return ()

    def read_token(self, response: Response, now: datetime) -> Token:
        """Return the token of an answer.

        :raises ValueError: where there is none in it; the message says why and repeats no value.
        """
        raise NotImplementedError

    def with_token(self, request: Request, token: Token) -> Request:
        """Return the request with a token."""
        raise NotImplementedError

    def sketch(self, request: Request) -> Request:
        """Return the request with ``<token>``."""
        return self.with_token(request, Token("<token>"))


def with_header(request: Request, name: str, value: str) -> Request:
    """Return the request with a header set, in place of any of that name."""
    return request.with_headers(replace_header(request.headers, name, value))


def whole_body(request: Request) -> bytes:
    """Return the body of a request for a signature over it; none is empty.

    :raises RequestError: where the body is streamed.
    """
    body: object = request.body
    if body is None or isinstance(body, bytes):
        return body or b""
    raise RequestError(
        "its body is streamed (from a file, or of parts), and the signature needs all of it at once; write a body of "
        "another 'content_type', or use credentials that do not sign the body"
    )


def _without_parameter(url: str, name: str) -> str:
    path, mark, query = url.partition("?")
    if not mark:
        return url
    kept = [part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != name]
    return f"{path}?{'&'.join(kept)}" if kept else path
