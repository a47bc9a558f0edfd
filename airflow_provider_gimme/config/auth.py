"""How a call proves who makes it: the ``auth`` of a workflow or a service."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from airflow_provider_gimme.config.auth_signatures import AwsSigV4Auth, HmacAuth
from airflow_provider_gimme.config.auth_tokens import Login, OAuth2Auth, SessionAuth
from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import SecretText, Text

__all__ = [
    "ApiKeyAuth",
    "Auth",
    "AwsSigV4Auth",
    "BasicAuth",
    "BearerAuth",
    "ConnectionAuth",
    "CustomAuth",
    "HmacAuth",
    "Login",
    "NoAuth",
    "OAuth2Auth",
    "SessionAuth",
]


class NoAuth(Config):
    """Send no credentials."""

    type: Literal["none"]


class BearerAuth(Config):
    """Send ``Authorization: Bearer <token>`` (RFC 6750)."""

    type: Literal["bearer"]
    token: SecretText
    """The token, as ``${NAME}``."""


class ApiKeyAuth(Config):
    """Send a key in a header or in the query."""

    type: Literal["api_key"]
    api_key: SecretText
    """The key, as ``${NAME}``."""
    header_name: Text = "X-API-Key"
    """The header, or with ``in: query`` the parameter, that carries the key."""
    in_: Literal["header", "query"] = Field("header", alias="in")
    """Where the key is sent."""


class BasicAuth(Config):
    """Send ``Authorization: Basic …`` (RFC 7617)."""

    type: Literal["basic"]
    username: Text
    """The user's name."""
    password: SecretText
    """The password, as ``${NAME}``."""


class CustomAuth(Config):
    """Send headers of your own: ``custom_headers``, or one ``header_name`` with a ``token``."""

    type: Literal["custom"]
    custom_headers: dict[str, Text] | None = None
    """Header name to value; values may hold ``${NAME}``."""
    header_name: Text | None = None
    """The one header that carries ``token``."""
    token: SecretText | None = None
    """The value of ``header_name``, as ``${NAME}``."""

    @model_validator(mode="after")
    def _one_way(self) -> CustomAuth:
        if (self.header_name is None) != (self.token is None):
            raise ValueError("'header_name' and 'token' belong together. Write both.")
        if not self.custom_headers and self.token is None:
            raise ValueError("no credentials. Write 'custom_headers', or 'header_name' and 'token'.")
        return self


class ConnectionAuth(Config):
    """Use the login, password and extras of an Airflow HTTP connection."""

    type: Literal["connection"]
    connection: Text | None = None
    """The connection's id; default the ``connection`` of the workflow or the service."""


Auth = Annotated[
    NoAuth
    | BearerAuth
    | ApiKeyAuth
    | BasicAuth
    | CustomAuth
    | HmacAuth
    | OAuth2Auth
    | SessionAuth
    | AwsSigV4Auth
    | ConnectionAuth,
    Field(discriminator="type"),
]
