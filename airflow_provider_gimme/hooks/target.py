"""Where a call goes and with which credentials, resolved on the worker right before it is made."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.hooks.connection import Connected, connect
from airflow_provider_gimme.http.auth import Auth, BasicAuth, HeaderAuth, NoAuth, TokenAuth
from airflow_provider_gimme.http.redaction import HIDDEN, Redactor

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.hooks.secrets import Secrets
    from airflow_provider_gimme.http.client import Client
    from airflow_provider_gimme.http.record import CallRecord
    from airflow_provider_gimme.http.request import Request
    from airflow_provider_gimme.plan.services import ServicePlan

__all__ = ["Target", "find_target", "read_allowed_addresses"]

_SHORTEST = 6
"""A shorter credential is not hidden in outputs: it could be a part of anything."""


def read_allowed_addresses() -> tuple[str, ...]:
    """Return the networks that may be called although they are link-local: the setting ``[gimme] allow_addresses``."""
    from airflow.sdk.configuration import conf

    setting = conf.get("gimme", "allow_addresses", fallback="")
    return tuple(network.strip() for network in setting.split(",") if network.strip())


@dataclass(frozen=True)
class Target:
    """Where calls go, and with which credentials."""

    base_url: str
    auth: Auth = field(default_factory=NoAuth, repr=False)
    allow_hosts: tuple[str, ...] = ()
    tls: ssl.SSLContext | bool | None = None
    proxy: str | None = None
    credentials: AbstractSet[str] = field(default_factory=frozenset, repr=False, hash=False)
    """The secrets that the credentials are made of, tokens too as soon as they are fetched.

    What an answer repeats of them is hidden in outputs."""
    allow_addresses: tuple[str, ...] = field(default_factory=read_allowed_addresses)
    """Networks of link-local and metadata addresses that may be called all the same."""

    def client(self, redactor: Redactor, on_call: Callable[[CallRecord], None] | None = None) -> Client:
        """Return a client for calls to it, not yet open; ``on_call`` gets the record of each attempt."""
        from airflow_provider_gimme.http.client import Client

        return Client(
            self.base_url,
            auth=self.auth,
            allow_hosts=self.allow_hosts,
            allow_addresses=self.allow_addresses,
            redactor=redactor,
            ssl=self.tls,
            proxy=self.proxy,
            on_call=on_call,
        )


class _Credentials(set[str]):
    """The credentials of a target, without those that are too short to be hidden."""

    def add(self, secret: str) -> None:
        if len(secret) >= _SHORTEST:
            super().add(secret)


class _Both(Auth):
    """Send the credentials of all parts: the headers of a connection, and its login."""

    def __init__(self, *parts: Auth) -> None:
        self._parts = parts

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for part in self._parts for secret in part.secrets)

    def sign(self, request: Request) -> Request:
        for part in self._parts:
            request = part.sign(request)
        return request


def find_target(service: ServicePlan, scope: Scope, secrets: Secrets) -> Target:
    """Resolve where a step's calls go. Every secret of it is hidden from then on.

    :raises SecretError: where a ``${NAME}`` is missing or not allowed.
    :raises StepError: where a connection is missing.
    """
    given = _Credentials()

    def credential(name: str) -> str:
        value = secrets(name)
        given.add(value)
        return value

    connected = connect(service.connection) if service.connection else None
    base = service.api_base.evaluate(scope) if service.api_base is not None else connected.base_url if connected else ""
    auth = _auth(service, replace(scope, secret=credential), connected, base=base, secrets=secrets, given=given)
    if isinstance(auth, TokenAuth):
        auth = replace(auth, on_secret=lambda token: given.add(secrets.hide(token)))
    return Target(
        base,
        auth,
        service.allow_hosts,
        connected.tls if connected else None,
        connected.proxy if connected else None,
        given,
    )


def _auth(
    service: ServicePlan, scope: Scope, connected: Connected | None, *, base: str, secrets: Secrets, given: _Credentials
) -> Auth:
    written = service.auth
    if written is None:
        return NoAuth() if connected is None else _login(connected, secrets, given)
    if written.connection is None:
        resolved: Auth = written.resolve(scope, base)
        return resolved
    other = connect(written.connection) if written.connection else connected
    if other is None:
        raise StepError("'auth' of type 'connection' needs the id of a connection: write 'connection' in it")
    return _login(other, secrets, given)


def _login(connected: Connected, secrets: Secrets, given: _Credentials) -> Auth:
    private = {name for name, value in Redactor().redact_headers(connected.headers).items() if value == HIDDEN}
    for secret in (connected.password, *(connected.headers[name] for name in private)):
        given.add(secrets.hide(secret))
    parts: list[Auth] = [HeaderAuth(dict(connected.headers))] if connected.headers else []
    if connected.username is not None:
        parts.append(BasicAuth(connected.username, connected.password))
    return _Both(*parts) if parts else NoAuth()
