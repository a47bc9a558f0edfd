"""Who is told of a run: the webhook's URL, its secret, and the credentials it gets on the API's own origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from airflow_provider_gimme.config.auth import Auth
from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.expressions import Compiler, Scope
from airflow_provider_gimme.hooks.target import Target, find_target
from airflow_provider_gimme.plan.auth import plan_auth
from airflow_provider_gimme.plan.services import ServicePlan

if TYPE_CHECKING:
    from airflow_provider_gimme.config import Workflow
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.hooks.secrets import Secrets
    from airflow_provider_gimme.plan.auth import Kind

__all__ = ["Receiver"]

_AUTH: TypeAdapter[Auth] = TypeAdapter(Auth)


@dataclass(frozen=True)
class Receiver:
    """Where the events of a workflow's runs are delivered, as it is written: no secret is resolved in it."""

    file: str
    webhook_url: str
    webhook_secret: str | None = None
    api_base: str | None = None
    connection: str | None = None
    auth: Auth | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, workflow: Workflow, file: str) -> Receiver | None:
        """Return the receiver that a workflow writes; None without one."""
        monitoring = workflow.monitoring
        if monitoring.webhook_url is None:
            return None
        return cls(
            file,
            monitoring.webhook_url,
            monitoring.webhook_secret,
            workflow.api_base,
            workflow.connection,
            workflow.auth,
            workflow.variables if "{{" in (workflow.api_base or "") else {},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the receiver as JSON types."""
        auth = None if self.auth is None else self.auth.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return {**self.__dict__, "auth": auth, "variables": dict(self.variables)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Receiver:
        """Return the receiver that :meth:`to_json` has described."""
        auth = data.get("auth")
        return replace(cls(**{**data, "auth": None}), auth=None if auth is None else _AUTH.validate_python(auth))

    def resolve(self, secrets: Secrets) -> tuple[str, str | None, Target]:
        """Return the URL, the signing secret and the target of a delivery, secrets resolved.

        :raises SecretError: where a ``${NAME}`` is missing or not allowed.
        :raises StepError: where the URL is not one.
        """
        scope = Scope(secret=secrets, variables=self.variables)
        url = self._compile(self.webhook_url).evaluate(scope)
        secret = None if self.webhook_secret is None else self._compile(self.webhook_secret).evaluate(scope)
        if urlsplit(url).scheme not in {"http", "https"}:
            raise StepError("'webhook_url' is not an http or https URL once its ${NAME} are filled in. Correct it.")
        return url, secret, self._target(url, scope, secrets)

    def _target(self, url: str, scope: Scope, secrets: Secrets) -> Target:
        base = self._compile(self.api_base).evaluate(scope) if self.api_base else None
        if base is not None and _origin(base) != _origin(url):
            return Target(url)
        if base is None and self.connection is None:
            return Target(url)
        target = find_target(self._service(), scope, secrets)
        return target if _origin(target.base_url) == _origin(url) else Target(url)

    def _service(self) -> ServicePlan:
        auth = None if self.auth is None else plan_auth(self.auth, self._compile_auth)
        base = None if self.api_base is None else self._compile(self.api_base)
        return ServicePlan(None, base, self.connection, auth, {}, ())

    def _compile(self, text: str) -> Compiled[str]:
        return Compiler(variables=frozenset(self.variables)).template(text)

    def _compile_auth(self, _path: tuple[str, ...], kind: Kind, source: Any) -> Compiled[Any]:
        compiled: Compiled[Any] = getattr(Compiler(variables=frozenset(self.variables)), kind)(source)
        return compiled


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port
