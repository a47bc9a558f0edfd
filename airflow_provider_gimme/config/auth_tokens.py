"""Credentials that fetch a token first: by OAuth 2, or by a login of the API's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import SecretText, Text

__all__ = ["Login", "OAuth2Auth", "SessionAuth"]

_PROOFS = {"basic": "client_secret", "post": "client_secret", "private_key_jwt": "private_key", "none": None}


def _check_path(text: str) -> str:
    if not text.startswith("$"):
        raise ValueError("not a path over the login's answer. Write one like $.token.")
    return text


_Path = Annotated[Text, AfterValidator(_check_path)]


class OAuth2Auth(Config):
    """Fetch a token by OAuth 2 (RFC 6749) and send it as ``Authorization: Bearer …``."""

    type: Literal["oauth2"]
    token_url: Text
    """Where the token is fetched: a URL, or a path under the base."""
    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    """By which right: the client's own credentials, or a refresh token."""
    client_id: Text
    """The client's id."""
    client_auth: Literal["basic", "post", "private_key_jwt", "none"] | None = None
    """How the client proves who it is: by its secret in a header or in the body, by a JWT (RFC 7523), or not at all."""
    client_secret: SecretText | None = None
    """The client's secret, as ``${NAME}``."""
    refresh_token: SecretText | None = None
    """The refresh token, as ``${NAME}``; one that a server gives in its place is used for the rest of the task."""
    private_key: SecretText | None = None
    """The key of ``private_key_jwt`` in PEM, as ``${NAME}``."""
    key_id: Text | None = None
    """The name of the key, the JWT's ``kid``."""
    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] = (
        "RS256"
    )
    """How the JWT is signed."""
    assertion_audience: Text | None = None
    """Who the JWT is for; default ``token_url``."""
    scope: Text | None = None
    """The scopes that are asked for, with spaces between them."""
    audience: Text | None = None
    """The API that the token is for, as some servers want it."""
    resource: Text | None = None
    """The API that the token is for (RFC 8707)."""
    params: dict[str, Text] = {}
    """More fields of the request for a token."""

    @property
    def proof(self) -> Literal["basic", "post", "private_key_jwt", "none"]:
        """How the client proves who it is, written or by what there is."""
        if self.client_auth is not None:
            return self.client_auth
        return "basic" if self.client_secret is not None else "private_key_jwt" if self.private_key else "none"

    @model_validator(mode="after")
    def _complete(self) -> OAuth2Auth:
        if self.grant == "refresh_token" and self.refresh_token is None:
            raise ValueError("the grant refresh_token needs one. Write 'refresh_token'.")
        if self.grant != "refresh_token" and self.refresh_token is not None:
            raise ValueError("a refresh token is not used by this grant. Write 'grant: refresh_token'.")
        needed = _PROOFS[self.proof]
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"client_auth {self.proof} needs a '{needed}'. Write it.")
        if self.grant == "client_credentials" and self.proof == "none":
            raise ValueError("the client proves nothing. Write 'client_secret', or 'private_key'.")
        for key in {"client_secret", "private_key"} - {needed}:
            if getattr(self, key) is not None:
                raise ValueError(f"'{key}' is not for client_auth {self.proof}. Remove it, or change 'client_auth'.")
        return self


class Login(Config):
    """The call that logs in."""

    endpoint: Text
    """The path under the base, or a URL."""
    method: Literal["GET", "POST", "PUT"] = "POST"
    """The method."""
    headers: dict[str, Text] = {}
    """Headers of the login."""
    payload: Any = None
    """The body, as a structure; strings may hold ``${NAME}``."""
    content_type: Literal["json", "form"] = "json"
    """How the body is written."""


class SessionAuth(Config):
    """Log in first, and send the token that the answer holds."""

    type: Literal["session"]
    login: Login
    """The call that logs in."""
    token: _Path
    """Where the token stands in the login's answer: ``$.token``."""
    header: Text = "Authorization"
    """The header that carries the token."""
    prefix: Text | None = None
    """What stands before the token, ``Bearer`` for one; default ``Bearer`` in ``Authorization``, nothing elsewhere."""
    expires_in: _Path | None = None
    """Where the answer says how long the token lives: seconds, seconds since 1970, or a date with a time."""
