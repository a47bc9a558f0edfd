"""Headers: names and values that HTTP allows (RFC 9110 §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Scalar
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.walk import Visit

__all__ = ["check_headers"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CLIENTS_OWN = frozenset({"content-length", "transfer-encoding", "connection"})
_MAPS = frozenset({"headers", "custom_headers"})
_NAMES = frozenset({"header_name", "header", "timestamp_header", "nonce_header", "key_id_header"})


def check_headers(visits: Iterable[Visit], report: Report) -> None:
    """Check every map of headers, and every key that names one header."""
    for visit in visits:
        if visit.model is None:
            continue
        key, node = visit.path[-1], visit.node
        if key in _MAPS and isinstance(node, Mapping):
            _check_map(node, report)
        elif key in _NAMES and isinstance(node, Scalar) and node.value is not None:
            _check_name(node.source, node, report)


def _check_map(headers: Mapping, report: Report) -> None:
    seen: dict[str, str] = {}
    for name, entry in headers.entries.items():
        _check_name(name, entry, report)
        first = seen.setdefault(name.lower(), name)
        if first != name:
            report.add(entry, f"header '{first}' is written twice: names are equal but for case. Remove one.")
        node = entry.node
        if isinstance(node, Scalar) and isinstance(node.value, str) and _CONTROL.search(node.value):
            report.add(node, "a header's value is one line of text. Remove line breaks and control characters.")


def _check_name(name: str, place: Node | Entry, report: Report) -> None:
    if not _TOKEN.fullmatch(name):
        report.add(place, f"'{name[:60]}' cannot name a header. Use letters, digits and '-'.")
    elif name.lower() in _CLIENTS_OWN:
        report.add(place, f"header '{name}' is made when the call is sent. Remove it.")
