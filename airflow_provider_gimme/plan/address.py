"""Where a call goes: its service, its endpoint, and the names in its path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_gimme.plan.services import ServicePlan, plan_service

if TYPE_CHECKING:
    from airflow_provider_gimme.config.call import Call
    from airflow_provider_gimme.expressions import Compiled
    from airflow_provider_gimme.plan.context import Context

__all__ = ["join_url", "path_names", "plan_address"]

_VARIES = re.compile(r"[{$]")


def join_url(base_url: str, path: str) -> str:
    """Put a path under a base URL, whose own path is kept; an absolute URL stays as it is."""
    if _is_absolute(path) or not path:
        return path or base_url
    separator = "" if path.startswith("?") else "/"
    return base_url.rstrip("/") + separator + path.lstrip("/")


def plan_address(config: Call, context: Context) -> ServicePlan:
    """Find the service of a call and check that its endpoint leads there; problems go into ``context``."""
    service = plan_service(context.at("service"), config.service)
    if service.api_base is None and service.connection is None:
        context.report(
            f"there is no base URL for endpoint {config.endpoint!r}. Write 'api_base' or 'connection' in the workflow "
            "or in the step's service."
        )
    elif service.api_base is not None:
        _check_absolute(config.endpoint, service.api_base, service.allow_hosts, context)
    return service


def _check_absolute(endpoint: str, base: Compiled[str], hosts: tuple[str, ...], context: Context) -> None:
    """Report an absolute URL that no call may go to, where both it and the base are written out."""
    written_out = _is_absolute(endpoint) and base.constant and _is_absolute(base.source)
    if not written_out or _VARIES.search(endpoint):
        return
    from airflow_provider_gimme.http.request import Request
    from airflow_provider_gimme.http.targets import Targets

    try:
        refusal = Targets.of(base.source, hosts).refusal(Request("GET", endpoint))
    except ValueError:
        return
    if refusal is not None:
        context.at("endpoint").report(f"no call may go there: {refusal}.")


def _is_absolute(url: str) -> bool:
    return not url.startswith("/") and urlsplit(url).scheme in {"http", "https"}


def path_names(endpoint: Compiled[str], config: Call, context: Context) -> frozenset[str]:
    """Return the names of an endpoint's ``{name}``; one that nothing gives is a problem of the file."""
    names: frozenset[str] = getattr(endpoint, "path_names", frozenset())
    known = set(context.workflow.variables) | set(config.input_map if isinstance(config.input_map, dict) else ())
    schema = context.input_schema
    if schema is not None:
        known |= set(schema.get("properties", {}))
        for name in sorted(names - known):
            context.at("endpoint").report(
                f"'{{{name}}}' is in none of 'input_map', 'inputs' and 'variables'. Add it to one."
            )
    return names
