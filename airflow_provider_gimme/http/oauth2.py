"""Tokens by OAuth 2 (RFC 6749): with the client's own credentials, or with a refresh token."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs, quote_plus, urlencode

from airflow_provider_gimme.errors import RequestError
from airflow_provider_gimme.http.auth import Token, TokenAuth, whole_body, with_header
from airflow_provider_gimme.http.lifetime import used_until
from airflow_provider_gimme.http.request import Request, Response

__all__ = ["ClientAuth", "Grant", "KeyAlgorithm", "OAuth2Auth"]

Grant = Literal["client_credentials", "refresh_token"]
ClientAuth = Literal["basic", "post", "private_key_jwt", "none"]
KeyAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE = timedelta(minutes=5)
_LONGEST_REASON = 300


@dataclass(frozen=True, kw_only=True)
class OAuth2Auth(TokenAuth):
    """Send ``Authorization: Bearer …`` with a token of an authorization server."""

    token_url: str
    client_id: str
    grant: Grant = "client_credentials"
    client_auth: ClientAuth = "basic"
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    """A key in PEM, for ``private_key_jwt``."""
    key_id: str | None = None
    algorithm: KeyAlgorithm = "RS256"
    assertion_audience: str | None = None
    """Who the assertion is for; None is ``token_url``."""
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    """More of the request: ``scope``, ``audience``, ``resource`` and what else the server wants."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The client's secret, also with its id as it is sent, its key and the refresh token."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}" if self.client_secret else ""
        return (self.client_secret, pair, self.refresh_token, self.private_key)

    def token_request(self, last: Token | None, now: datetime) -> Request:
        """Return the request for a token (RFC 6749, 4.4.2 and 6), with the newest refresh token there is."""
        form = {"grant_type": self.grant, **self.params}
        if self.grant == "refresh_token":
            form["refresh_token"] = (last.refresh if last is not None else None) or self.refresh_token
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if self.client_auth == "basic":
            headers["Authorization"] = self._basic()
        else:
            form |= {"client_id": self.client_id, **self._proof(now)}
        return Request("POST", self.token_url, (), headers, urlencode(form).encode())

    def _basic(self) -> str:
        """Return the client's id and secret, each encoded as in a form (RFC 6749, 2.3.1)."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _proof(self, now: datetime) -> dict[str, str]:
        if self.client_auth == "post":
            return {"client_secret": self.client_secret}
        if self.client_auth == "private_key_jwt":
            return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": self._assertion(now)}
        return {}

    def _assertion(self, now: datetime) -> str:
        """Return a JWT that only the holder of the key can make (RFC 7523, 3)."""
        import jwt

        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.assertion_audience or self.token_url,
            "jti": _unique(),
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LIFE).timestamp()),
        }
        # A key in one line of an environment file has its line breaks written out.
        key = self.private_key.replace("\\n", "\n")
        try:
            return jwt.encode(claims, key, self.algorithm, {"kid": self.key_id} if self.key_id else None)
        except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
            pass
        raise RequestError(
            f"'private_key' is not a key in PEM, without a password, that can sign by {self.algorithm}; "
            "correct the key or 'algorithm'"
        )

    def sent_secrets(self, request: Request) -> tuple[str, ...]:
        """Return the assertion, which is as good as the key for some minutes, and the newest refresh token."""
        form = parse_qs(whole_body(request).decode())
        return (*form.get("client_assertion", ()), *form.get("refresh_token", ()))

    def read_token(self, response: Response, now: datetime) -> Token:
        """Return the token of an answer (RFC 6749, 5.1)."""
        answer = response.json()
        if not isinstance(answer, dict):
            raise ValueError("its body is no JSON object with an 'access_token'")
        value, kind = answer.get("access_token"), answer.get("token_type", "bearer")
        if not isinstance(value, str) or not value:
            raise ValueError(_missing(answer))
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise ValueError("its 'token_type' is not 'Bearer', and no other can be sent")
        refresh = answer.get("refresh_token")
        return Token(value, used_until(answer.get("expires_in"), now), refresh if isinstance(refresh, str) else None)

    def with_token(self, request: Request, token: Token) -> Request:
        """Return the request with the header (RFC 6750, 2.1)."""
        return with_header(request, "Authorization", f"Bearer {token.value}")


def _unique() -> str:
    from uuid import uuid4

    return str(uuid4())


def _missing(answer: Mapping[str, Any]) -> str:
    """Say that there is no token, in the server's own words where it has any (RFC 6749, 5.2)."""
    told = [answer[name] for name in ("error", "error_description") if isinstance(answer.get(name), str)]
    if told:
        return f"without a token: {': '.join(told)}"[:_LONGEST_REASON]
    names = ", ".join(sorted(str(name)[:40] for name in answer)[:10])
    return f"its body has no text 'access_token' (it has: {names or 'nothing'})"
