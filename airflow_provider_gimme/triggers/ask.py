"""A call about a job as it is written down: rendered but for its secrets and credentials, made by whoever has these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from pydantic import TypeAdapter

from airflow_provider_gimme.config.auth import Auth
from airflow_provider_gimme.expressions import Compiler, Scope
from airflow_provider_gimme.hooks.target import Target, find_target
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.request import Request, Response
from airflow_provider_gimme.plan.auth import plan_auth
from airflow_provider_gimme.plan.services import ServicePlan
from airflow_provider_gimme.triggers.marks import Marks, fill

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.hooks.secrets import Secrets
    from airflow_provider_gimme.http.client import Client
    from airflow_provider_gimme.plan.auth import Kind
    from airflow_provider_gimme.steps.job.plan import AskWork

__all__ = ["Ask", "Opened"]

_AUTH: TypeAdapter[Auth] = TypeAdapter(Auth)


@dataclass(frozen=True)
class Opened:
    """A call about a job with all that it needs."""

    request: Request
    """With a link, all but its URL."""
    link: str | None
    target: Target = field(repr=False)

    def located(self, client: Client, source: str | None = None) -> Request:
        """Return the request with its URL; a link is followed from ``source``, else from the base.

        :raises RequestError: where the link leads to where no call may go.
        """
        if self.link is None:
            return self.request
        came_from = source or self.target.base_url
        answer = Response(200, Headers({}), b"", came_from, timedelta(0))
        return replace(client.follow(self.request, answer, self.link), query=self.request.query)


@dataclass(frozen=True)
class Ask:
    """A call about a job, as JSON types: no secret is in it, only marks and the file's own ``${NAME}``."""

    method: str
    url: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: str | None
    link: str | None
    marks: Mapping[str, str]
    """The names of the secrets that marks stand for."""
    base: str
    """What stands for the base URL."""
    api_base: str | None
    connection: str | None
    auth: Mapping[str, Any] | None
    allow_hosts: tuple[str, ...]
    variables: Mapping[str, Any]
    """The constants of the file, where its base names one."""

    @classmethod
    def of(cls, work: AskWork, scope: Scope, key: str | None, finish: Callable[[Request], Request]) -> Self:
        """Render a call over a scope whose root is the answer that a link is read from.

        ``key`` is its idempotency key; ``finish`` adds the headers of the run.

        :raises StepError: where an expression makes something of a secret.
        """
        marks = Marks(scope.secret)
        request = finish(work.call.render(replace(scope, secret=marks), marks.base, work.call.key(scope, key or "")))
        body = request.body.decode() if isinstance(request.body, bytes) else None
        marks.check([request.url, str(request.query), *request.headers.values(), body or ""])
        service = work.call.service
        auth = None if service.auth is None else service.auth.config
        return cls(
            request.method,
            request.url,
            request.query,
            request.headers,
            body,
            work.find_link(scope),
            marks.names,
            marks.base,
            None if service.api_base is None else service.api_base.source,
            service.connection,
            None if auth is None else auth.model_dump(mode="json", by_alias=True, exclude_unset=True),
            service.allow_hosts,
            scope.variables if service.api_base is not None and "{{" in service.api_base.source else {},
        )

    def open(self, secrets: Secrets) -> Opened:
        """Return the call with its secrets and credentials; it may look into Airflow for them.

        :raises SecretError: where a ``${NAME}`` is missing or not allowed.
        :raises StepError: where a connection is missing.
        """
        target = find_target(self._service(), Scope(secret=secrets, variables=self.variables), secrets)
        values = {mark: secrets(name) for mark, name in self.marks.items()}
        url = fill(self.url, values, partial(quote, safe=""))
        url = target.base_url if url == self.base else url.replace(self.base, target.base_url.rstrip("/"))
        query = tuple((name, fill(value, values)) for name, value in self.query)
        headers = {name: fill(value, values) for name, value in self.headers.items()}
        body = None if self.body is None else fill(self.body, values, _in_json).encode()
        return Opened(Request(self.method, url, query, headers, body), self.link, target)

    def _service(self) -> ServicePlan:
        compiler = Compiler(variables=frozenset(self.variables))
        auth = None
        if self.auth is not None:
            auth = plan_auth(_AUTH.validate_python(dict(self.auth)), partial(_compile, compiler))
        base = None if self.api_base is None else compiler.template(self.api_base)
        return ServicePlan(None, base, self.connection, auth, {}, self.allow_hosts)


def _compile(compiler: Compiler, _path: tuple[str, ...], kind: Kind, source: Any) -> Compiled[Any]:
    compiled: Compiled[Any] = getattr(compiler, kind)(source)
    return compiled


def _in_json(value: str) -> str:
    """Write a value as it stands within a JSON text."""
    return json.dumps(value, ensure_ascii=False)[1:-1]
