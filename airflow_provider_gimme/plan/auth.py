"""From the ``auth`` of a file to the credentials of a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from airflow_provider_gimme.config import auth as config

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.http import auth as http

__all__ = ["AuthPlan", "CompileAuth", "Kind", "plan_auth", "resolve_texts", "secret_texts"]

Kind = Literal["template", "value", "path_mapping"]
"""What stands under a field: a text, a structure of texts, or a path over the answer of a login."""

_CHOICES = frozenset(
    {"type", "in_", "connection", "preset", "algorithm", "secret_encoding", "encoding", "timestamp_format"}
    | {"grant", "client_auth", "method", "content_type"}
)
"""Fields that are one of a closed set, or no text of a call."""


class CompileAuth(Protocol):
    """Compile what stands under a field."""

    def __call__(self, path: tuple[str, ...], kind: Kind, source: Any, /) -> Compiled[Any]:
        """Return what the field holds, compiled; ``path`` is that of the field, from the ``auth`` on."""


@dataclass(frozen=True)
class AuthPlan:
    """The credentials of a service, not yet resolved."""

    config: config.Auth
    texts: dict[str, Compiled[Any]]
    """Every text of it, compiled, by the dotted name of its field; the payload of a login as the structure it is."""

    @property
    def connection(self) -> str | None:
        """The Airflow connection that gives the credentials, ``""`` for the service's own; None for other types."""
        return (self.config.connection or "") if isinstance(self.config, config.ConnectionAuth) else None

    def resolve(self, scope: Scope, base_url: str = "") -> http.Auth:
        """Return the credentials, secrets resolved; call it where a call is about to be made.

        ``base_url`` is what the path of a login, or of where tokens are fetched, lies under.

        :raises SecretError: where a ``${NAME}`` is missing or not allowed.
        :raises StepError: where what should be a URL is none, or a connection gives the credentials.
        """
        return resolve_texts(self.config, self.evaluate(scope), base_url)

    def evaluate(self, scope: Scope) -> dict[str, Any]:
        """Return the values of all texts, secrets resolved: what :func:`resolve_texts` takes, JSON types alone.

        :raises SecretError: where a ``${NAME}`` is missing or not allowed.
        """
        return {name: text.evaluate(scope) for name, text in self.texts.items()}


def plan_auth(written: config.Auth, compile_: CompileAuth) -> AuthPlan:
    """Compile the texts of an ``auth``."""
    texts: dict[str, Compiled[Any]] = {}
    for path, value in _fields(written):
        if isinstance(written, config.SessionAuth) and path in {("token",), ("expires_in",)}:
            compile_(path, "path_mapping", value)  # a fault in it is told now; it is compiled anew where it is used
        elif path[-1] == "payload":
            texts[".".join(path)] = compile_(path, "value", value)
        elif isinstance(value, str) and path[-1] not in _CHOICES:
            texts[".".join(path)] = compile_(path, "template", value)
    return AuthPlan(written, texts)


def _fields(written: Any, *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the fields of a map and of the maps in it, by their paths; a payload as a whole."""
    for name, value in written.items() if isinstance(written, Mapping) else written:
        if isinstance(value, Mapping | config.Login) and name != "payload":
            yield from _fields(value, *above, name)
        elif value is not None:
            yield (*above, name), value


def resolve_texts(written: config.Auth, texts: Mapping[str, Any], base_url: str = "") -> http.Auth:
    """Return the credentials that a file has written, from the values of its texts.

    The texts are those of :meth:`AuthPlan.evaluate`, which another process may have got as JSON.

    :raises StepError: where what should be a URL is none, or a connection gives the credentials.
    """
    from airflow_provider_gimme.plan.credentials import resolve

    return resolve(written, texts, base_url)


def secret_texts(written: config.Auth, texts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what must be hidden of the values of a file's texts: those with a ``${NAME}`` in them."""
    from airflow_provider_gimme.plan.login import leaves

    fields = [(value, texts.get(".".join(path))) for path, value in _fields(written)]
    pairs = (pair for value, resolved in fields if resolved is not None for pair in leaves(value, resolved))
    return tuple(dict.fromkeys(text for source, text in pairs if "${" in source and text))
