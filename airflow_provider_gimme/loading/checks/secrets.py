"""Secrets: where ``${NAME}`` may stand, that none is written out, and what may not be a template."""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_provider_gimme.config.scalars import SECRET, WRITTEN_OUT
from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE
from airflow_provider_gimme.loading.excerpts import SECRET_KEYS
from airflow_provider_gimme.loading.nodes import Mapping, Node, Path, Scalar
from airflow_provider_gimme.loading.report import Report, child
from airflow_provider_gimme.loading.walk import Visit

__all__ = ["check_secrets"]

_CALL_KEYS = frozenset({"endpoint", "headers", "query", "payload", "payload_template", "input_map", "idempotency"})
_CALLING = frozenset({DEFAULT_STEP_TYPE, "job"})
_ABOUT_A_JOB = frozenset({"poll", "result", "cancel"})
_SERVICE_KEYS = frozenset({"api_base", "auth", "headers"})
_MONITORING_KEYS = frozenset({"webhook_url", "webhook_secret"})
_PROSE = frozenset({"description", "title", "$comment"})
_COMPUTED = frozenset({"inputs", "outputs", "output_map", "response_transform", "state"})
_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_IN_QUERY = re.compile(rf"[?&](?:{'|'.join(sorted(SECRET_KEYS))})=([^&#${{]+)(?=[&#]|$)", re.IGNORECASE)
_HIDDEN_NAMES = ("AIRFLOW_", "_")
_HEADERS = frozenset({"headers", "custom_headers"})
_SIGNS = re.compile(r"[{$?&]")


def check_secrets(root: Mapping, visits: Iterable[Visit], report: Report) -> None:
    """Check every text of a document."""
    for visit in visits:
        node = visit.node
        if not isinstance(node, Scalar) or node.value is None or isinstance(node.value, bool) or not node.source:
            continue
        if _is_plain(visit.path, node.source):
            continue
        place = _place(visit.path, root)
        is_path = _is_path(visit.path, root)
        if _is_literal(place, node) and not is_path:
            report.hide(node.source)
            report.add(node, WRITTEN_OUT)
        if isinstance(node.value, str):
            _check_names(node, report)
            _check_query(place, node, report)
            if "${" in node.source and SECRET.search(node.source) and not _allowed(place):
                report.add(
                    node, "a secret may not stand here: what is not sent could be seen. Use it where a call is made."
                )
            if _is_fixed(place) and _is_template(node.source) and not (is_path and node.source.startswith("$")):
                report.add(node, "not a template: who may start a run is not who may write it. Write text or ${NAME}.")


def _is_plain(path: Path, text: str) -> bool:
    """Say whether a text can be neither a secret nor a template, nor name one: so it is with most of a document."""
    if _SIGNS.search(text) or str(path[-1]).lower() in SECRET_KEYS:
        return False
    return len(path) < 2 or str(path[-2]).lower() not in _HEADERS


def _check_query(place: _Place, node: Scalar, report: Report) -> None:
    """Report a secret that is written into the query of an endpoint."""
    for found in _IN_QUERY.findall(node.source) if place.step_type and place.rest[-1:] == ("endpoint",) else ():
        report.hide(found)
        report.add(node, WRITTEN_OUT)


class _Place:
    """A place relative to what it belongs to: a step, or the workflow; overlays and ``defaults`` count as these."""

    __slots__ = ("rest", "step_type")

    def __init__(self, rest: Path, step_type: str | None) -> None:
        self.rest = tuple(str(part).lower() if index else str(part) for index, part in enumerate(rest))
        self.step_type = step_type


def _place(path: Path, root: Mapping) -> _Place:
    start = 2 if path[:1] == ("environments",) and len(path) > 2 else 0
    rest = path[start:]
    for head, length in (("defaults", 1), ("groups", 2), ("steps", 2)):
        if rest[:1] == (head,) and len(rest) > length:
            node: Node | None = root
            for part in path[: start + length]:
                node = child(node, part)
            kind = node.text("type") if isinstance(node, Mapping) else None
            below = rest[length:]
            if below[:1] == ("compensation",) and len(below) > 1:
                return _Place(below[1:], DEFAULT_STEP_TYPE)
            in_entry = below[:1] == ("fallback",) and len(below) > 2
            return _Place(below[2:] if in_entry else below, kind or DEFAULT_STEP_TYPE)
    return _Place(rest, None)


def _is_literal(place: _Place, node: Scalar) -> bool:
    if "${" in node.source or (place.rest[:1] and place.rest[0] in _COMPUTED):
        return False
    key = place.rest[-1] if place.rest else ""
    in_headers = len(place.rest) > 1 and place.rest[-2] in _HEADERS
    if key not in SECRET_KEYS and not (in_headers and key in _CREDENTIAL_HEADERS):
        return False
    return "auth" in place.rest or key == "webhook_secret" or not _is_template(node.source)


def _is_path(path: Path, root: Mapping) -> bool:
    """Say whether this is where a login's answer holds its token, or the token's end."""
    if path[-2:] not in {("auth", "token"), ("auth", "expires_in")}:
        return False
    node: Node | None = root
    for part in path[:-1]:
        node = child(node, part)
    return isinstance(node, Mapping) and node.text("type") == "session"


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "{$" in text or text.startswith("$.")


def _is_fixed(place: _Place) -> bool:
    if place.step_type is not None:
        return False
    return "auth" in place.rest[:3:2] or place.rest[:1] == ("allow_hosts",) or place.rest[-1:] == ("webhook_url",)


def _allowed(place: _Place) -> bool:
    rest = place.rest
    if rest[-1] in _PROSE and (len(rest) == 1 or rest[0] in {"inputs", "services"}):
        return True
    if place.step_type is not None:
        return rest[0] == "enabled" or (place.step_type in _CALLING and _key_of_call(rest) in _CALL_KEYS)
    if rest[0] == "services":
        return len(rest) > 2 and rest[2] in _SERVICE_KEYS
    if rest[0] == "monitoring":
        return len(rest) > 1 and rest[1] in _MONITORING_KEYS
    return rest[0] in _SERVICE_KEYS


def _key_of_call(rest: Path) -> str:
    """Return the key of a call that a place of a step lies under: of the step's own, or of one about its job."""
    nested = len(rest) > 2 and rest[0] == "job" and rest[1] in _ABOUT_A_JOB
    return str(rest[2] if nested else rest[0])


def _check_names(node: Scalar, report: Report) -> None:
    for found in SECRET.finditer(node.source) if "${" in node.source else ():
        name = found[0][2:-1].partition(":-")[0]
        if name.startswith(_HIDDEN_NAMES):
            report.add(node, f"'{name}' is never readable: no name that begins with AIRFLOW_ or '_' is. Use another.")
