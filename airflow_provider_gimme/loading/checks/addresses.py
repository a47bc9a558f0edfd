"""Addresses: base URLs, the webhook's URL, hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from airflow_provider_gimme.loading.nodes import Scalar
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.walk import Visit

__all__ = ["check_addresses"]

_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_VARIABLE = re.compile(r"\$\{|\{\{|\{%|\{\$")
_CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*@")


def check_addresses(visits: Iterable[Visit], report: Report) -> None:
    """Check every ``api_base``, ``webhook_url``, absolute ``endpoint`` or ``token_url``, and allowed host."""
    for visit in visits:
        node = visit.node
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            continue
        key = visit.path[-1] if visit.path else ""
        if visit.model is not None and key in {"api_base", "webhook_url"}:
            _check_url(node, report, base=key == "api_base")
        elif visit.model is not None and key in {"endpoint", "token_url"}:
            _check_credentials(node, report)
        elif visit.path[-2:-1] == ("allow_hosts",) and not _HOST.fullmatch(node.value) and not _varies(node):
            report.add(
                node,
                f"not a host{_shown(node, base=True)}. Write one like api.example.com or api.example.com:8443.",
            )


def _varies(node: Scalar) -> bool:
    return bool(_VARIABLE.search(node.value))


def _check_credentials(node: Scalar, report: Report) -> bool:
    if _CREDENTIALS.match(node.value):
        report.add(node, "credentials in a URL. Write them as 'auth', with ${NAME}.")
        return True
    return False


def _check_url(node: Scalar, report: Report, *, base: bool) -> None:
    if _check_credentials(node, report) or _varies(node):
        return
    parts = _split(node.value)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        report.add(node, f"not an absolute URL{_shown(node, base=base)}. Write one like https://api.example.com/v1.")
    elif base and (parts.query or parts.fragment or node.value.endswith(("?", "#"))):
        report.add(node, "a base URL ends with its path. Write what follows '?' as the steps' 'query'.")


def _shown(node: Scalar, *, base: bool) -> str:
    """Return what a message shows of a URL: a webhook's may be a secret itself, a query may hold one."""
    return f" (got '{node.source[:40]}')" if base and not set("?@#") & set(node.source) else ""


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return None if any(character.isspace() for character in text) else parts
