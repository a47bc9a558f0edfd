"""What a call means: how its request is made, and what its answer gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.config.call import Idempotency
from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.plan.address import join_url, path_names, plan_address
from airflow_provider_gimme.plan.body import (
    BodyPlan,
    content_type_header,
    encode_body,
    pairs,
    plan_body,
    written_body,
)
from airflow_provider_gimme.plan.files import OpenFile, is_file_value, sketch_file
from airflow_provider_gimme.plan.names import RESUME_URLS
from airflow_provider_gimme.plan.outcome import OutcomePlan, plan_outcome
from airflow_provider_gimme.plan.saved import check_saved_path, plan_save_to

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_provider_gimme.config.call import Call
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.http.multipart import Content
    from airflow_provider_gimme.http.request import Request, Response
    from airflow_provider_gimme.plan.context import Context
    from airflow_provider_gimme.plan.for_each import ItemsPlan
    from airflow_provider_gimme.plan.paginate import PagesPlan
    from airflow_provider_gimme.plan.services import ServicePlan

__all__ = ["CallWork", "merge_headers", "plan_call"]

_CALL = "call"
"""What expressions of the request know beside the scope: ``call.idempotency_key``."""

_NO_HEADERS: Mapping[str, str] = {}
_KEYED = frozenset({"POST", "PATCH"})
_QUERIED = frozenset({"GET", "HEAD", "DELETE"})


@dataclass(frozen=True)
class CallWork:
    """One HTTP call, compiled."""

    method: str
    service: ServicePlan
    endpoint: Compiled[str]
    path_names: frozenset[str]
    """The ``{names}`` of the endpoint."""
    query: Mapping[str, Compiled[Any]]
    headers: Mapping[str, Compiled[str]]
    body: BodyPlan | None
    content_type: str
    key_header: str | None
    """The header that carries the idempotency key."""
    key_body: str | None
    """The member of the body that carries the idempotency key."""
    own_key: Compiled[str] | None
    """An idempotency key that the file writes."""
    outcome: OutcomePlan
    """Which answers are good."""
    transform: Compiled[Any] | None
    """The output over ``response``."""
    output_map: Compiled[Any] | None
    """The output over the answer's body."""
    save_to: Compiled[str] | None = None
    """The path of the file that the answer's body goes to."""
    read_timeout: timedelta | None = None
    """How long a body may be silent between two pieces, where the file says it."""
    pages: PagesPlan | None = None
    """How all pages of a listing are read, where it is one."""
    each: ItemsPlan | None = None
    """How it is made for each item of a list, where there is one; then nothing is saved of a single answer."""

    @property
    def statuses(self) -> frozenset[int]:
        """The statuses of a good answer."""
        return self.outcome.statuses

    def accepts(self, status: int) -> bool:
        """Say whether an answer of this status is a good one."""
        return status in self.statuses

    def key(self, scope: Scope, key: str) -> str | None:
        """Return the idempotency key of the call: the file's own, else ``key``; None where none is sent."""
        if self.key_header is None and self.key_body is None:
            return None
        return self.own_key.evaluate(scope) if self.own_key is not None else key

    def render(
        self,
        scope: Scope,
        base_url: str,
        key: str | None,
        open_file: OpenFile = sketch_file,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> Request:
        """Make the request, all but its credentials.

        ``base_url`` is absolute; ``key`` is what :meth:`key` has returned. What stands in the path is not sent again.
        ``open_file`` gives the files that references in the body stand for; ``headers`` are sent where the call writes
        none of their names.

        :raises ExpressionError: where an expression cannot be evaluated.
        :raises SecretError: where a ``${NAME}`` is missing or not allowed.
        """
        if self._tells_key:
            scope = scope.with_extra(call={"idempotency_key": key})
        value = None if self.body is None else self.body.evaluate(scope)
        path = self._path(scope, value)
        query = self._query(scope)
        if self._maps:
            value = self._unused(value)
            if self.method in _QUERIED:
                query, value = (*query, *pairs(_as_map(value))), None
        body = None
        if self.body is not None and value is not None:
            body = encode_body(self._with_key(value, key), self.content_type, open_file)
        return _request()(self.method, join_url(base_url, path), query, self._headers(scope, body, key, headers), body)

    @cached_property
    def _tells_key(self) -> bool:
        """Whether an expression of the request reads ``call``."""
        each = (self.endpoint, *self.query.values(), *self.headers.values(), *self.service.headers.values())
        read = [*each, self.body.value] if self.body is not None else each
        return any(reference.name == _CALL for compiled in read for reference in compiled.references)

    def saved_path(self, scope: Scope) -> str | None:
        """Return where under the workflow's folder the answer's body is saved; None where it is not.

        :raises ExpressionError: where the path could lead anywhere else.
        """
        return None if self.save_to is None else check_saved_path(self.save_to.evaluate(scope))

    def output(self, scope: Scope, response: Response) -> Any:
        """Return the step's output: of the transform, the map, or the answer's body."""
        if self.transform is not None:
            return self.transform.evaluate(scope.with_extra(response=response.plain()))
        data = response.data()
        return data if self.output_map is None else self.output_map.evaluate(scope.with_root(data))

    def _path(self, scope: Scope, value: Any) -> str:
        if not self.path_names:
            return self.endpoint.evaluate(scope)
        given = value if isinstance(value, Mapping) and self._maps else {}
        return self.endpoint.evaluate(scope.with_extra(path={**scope.variables, **scope.inputs, **given}))

    def _unused(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: item for name, item in value.items() if name not in self.path_names}

    @property
    def _maps(self) -> bool:
        return self.body is not None and self.body.key == "input_map"

    def _query(self, scope: Scope) -> tuple[tuple[str, str], ...]:
        return pairs({name: value.evaluate(scope) for name, value in self.query.items()}) if self.query else ()

    def _with_key(self, value: Any, key: str | None) -> Any:
        if self.key_body is None or key is None:
            return value
        if not isinstance(value, Mapping) or is_file_value(value):
            raise ExpressionError(f"idempotency.body '{self.key_body}' needs a body that is a map")
        return {**value, self.key_body: key}

    def _headers(self, scope: Scope, body: Content | None, key: str | None, known: Mapping[str, str]) -> dict[str, str]:
        headers = {**known, **content_type_header(body, self.content_type)}
        if self.key_header is not None and key is not None:
            headers[self.key_header] = key
        for written in (self.service.headers, self.headers):
            if written:
                headers = merge_headers(headers, {name: text.evaluate(scope) for name, text in written.items()})
        return headers


@cache
def _request() -> type[Request]:
    """Import what is only needed where a call is made: a check of files starts sooner without."""
    from airflow_provider_gimme.http.request import Request

    return Request


def merge_headers(far: Mapping[str, str], near: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of both; where names are equal but for case, the nearer one counts."""
    written = {name.lower() for name in near}
    return {name: text for name, text in far.items() if name.lower() not in written} | dict(near)


def _as_map(value: Any) -> Mapping[str, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise ExpressionError(
        f"the 'input_map' of a GET or DELETE becomes its query, so it is a map, not {type(value).__name__}"
    )


def plan_call(config: Call, context: Context, *local_names: str, service: ServicePlan | None = None) -> CallWork:
    """Compile the expressions of a call; ``context`` stands where its keys stand.

    ``local_names`` are what its request knows beside ``call``, ``service`` is the API where it is known already.
    """
    names = (_CALL, RESUME_URLS, *local_names)
    written = written_body(config)
    endpoint = context.at("endpoint").compile("endpoint", config.endpoint, *names)
    idempotency = _idempotency(config)
    place = context.at("idempotency", "key")
    if idempotency is not None and idempotency.body and written is None and config.verb in _KEYED:
        context.at("idempotency", "body").report(
            "this call has no body that could carry the key. Write one, or 'header' instead of 'body'."
        )
    return CallWork(
        method=config.verb,
        service=service or plan_address(config, context),
        endpoint=endpoint,
        path_names=path_names(endpoint, config, context),
        query={
            name: context.at("query", name).compile("value", value, *names)
            for name, value in (config.query or {}).items()
        },
        headers=context.at("headers").texts(config.headers, *names),
        body=None if written is None else plan_body(context, written, *names, content_type=config.content_type),
        content_type=config.content_type,
        key_header=_key_header(idempotency),
        key_body=None if idempotency is None else idempotency.body,
        own_key=None if idempotency is None or idempotency.key is None else place.compile("template", idempotency.key),
        outcome=plan_outcome(config, context),
        transform=_transform(config, context),
        output_map=None
        if config.output_map is None
        else context.at("output_map").compile("path_mapping", config.output_map),
        save_to=plan_save_to(config.save_to, context.at("save_to")),
        read_timeout=config.read_timeout,
    )


def _idempotency(config: Call) -> Idempotency | None:
    written = config.idempotency
    if isinstance(written, Idempotency):
        return written
    wanted = written == "supported" or (written is None and config.verb in _KEYED)
    return Idempotency() if wanted else None


def _key_header(idempotency: Idempotency | None) -> str | None:
    if idempotency is None:
        return None
    return idempotency.header or (None if idempotency.body else "Idempotency-Key")


def _transform(config: Call, context: Context) -> Compiled[Any] | None:
    source = config.response_transform
    if source is None:
        return None
    place = context.at("response_transform")
    if not isinstance(source, str):
        return place.compile("value", source, "response")
    text = source.strip()
    if text.startswith(("{", "[")) and not text.startswith(("{{", "{%", "{#", "{$")):
        return place.compile("json_template", source, "response")
    return place.compile("value" if "{" in text or text.startswith("$.") else "expression", source, "response")
