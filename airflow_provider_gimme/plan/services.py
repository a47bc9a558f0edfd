"""Where the calls of a step go, and with which credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_gimme.config.auth import ConnectionAuth
from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.plan.auth import AuthPlan, plan_auth

if TYPE_CHECKING:
    from airflow_provider_gimme.config import Service, Workflow
    from airflow_provider_gimme.config.auth import Auth
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context

__all__ = ["ServicePlan", "plan_service"]

_CONSTANT = frozenset({"variable", "function", "filter"})
"""The kinds of reference that nobody who starts a run can change."""


@dataclass(frozen=True)
class ServicePlan:
    """One API: its base, its credentials, the headers of every call to it."""

    name: str | None
    """The service's name, None for the workflow's own API."""
    api_base: Compiled[str] | None
    """The base URL; None where a connection gives it, or where there is none."""
    connection: str | None
    """The Airflow connection that gives the base, and the credentials where ``auth`` is None."""
    auth: AuthPlan | None
    """The credentials that the file writes."""
    headers: Mapping[str, Compiled[str]]
    """Headers of every call, the workflow's and the service's; a service's replaces the workflow's of its name."""
    allow_hosts: tuple[str, ...]
    """Hosts a call may also go to, without credentials."""


def plan_service(context: Context, name: str | None) -> ServicePlan:
    """Plan the API that a step picks: the workflow's own without a name, else a service or an Airflow connection.

    ``context`` stands at the step's ``service``. What a service does not write comes from the workflow. A name that
    the file does not define is an Airflow connection, with a base and credentials of its own.
    """
    root, workflow = context.root(), context.workflow
    headers = root.at("headers").texts(workflow.headers)
    hosts = tuple(workflow.allow_hosts)
    if name is None:
        base = _base(root, workflow)
        return ServicePlan(
            None, base, workflow.connection, _auth(root, workflow.auth, workflow.connection), headers, hosts
        )
    service = workflow.services.get(name)
    if service is None:
        _warn_of_connection(context, name)
        return ServicePlan(name, None, name, None, headers, hosts)
    place = root.at("services", name)
    own = service.api_base is not None or service.connection is not None
    connection = service.connection if own else workflow.connection
    auth = _auth(root, workflow.auth, connection) if service.auth is None else _auth(place, service.auth, connection)
    merged = _merge_headers(headers, place.at("headers").texts(service.headers))
    return ServicePlan(name, _base(place, service) if own else _base(root, workflow), connection, auth, merged, hosts)


def _base(place: Context, written: Workflow | Service) -> Compiled[str] | None:
    if written.api_base is None:
        return None
    there = place.at("api_base").separate()
    compiled = there.compile("template", written.api_base)
    if any(reference.kind not in _CONSTANT for _, reference in there.references):
        there.report(
            "only constants may stand in a base: who may start a run is not who may say where credentials go. "
            "Write text, ${NAME} or a variable; several bases are 'services'."
        )
    place.references.extend(there.references)
    return compiled


def _auth(place: Context, written: Auth | None, connection: str | None) -> AuthPlan | None:
    if written is None:
        return None
    if isinstance(written, ConnectionAuth) and written.connection is None and connection is None:
        place.at("auth").report("the credentials of which connection? Write its id as 'connection' in 'auth'.")
    return plan_auth(written, lambda path, kind, source: place.at("auth", *path).compile(kind, source))


def _merge_headers(far: Mapping[str, Compiled[str]], near: Mapping[str, Compiled[str]]) -> dict[str, Compiled[str]]:
    written = {name.lower() for name in near}
    return {name: text for name, text in far.items() if name.lower() not in written} | dict(near)


def _warn_of_connection(context: Context, name: str) -> None:
    services = context.workflow.services
    near = did_you_mean(name, services)
    known = f" This file's services: {', '.join(sorted(services))}." if services and not near else ""
    context.report(
        f"no service '{name}' in this file, so calls use the Airflow connection of that name.{near}{known}",
        warning=True,
    )
