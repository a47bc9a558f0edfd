"""What people may see of requests and outputs: everything but secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.http.multipart import show_content

if TYPE_CHECKING:
    from airflow_provider_gimme.http.redaction import Redactor
    from airflow_provider_gimme.http.request import Request

__all__ = ["hide", "hide_in_error", "show_request"]

_LONGEST_BODY = 20_000


def show_request(request: Request, redactor: Redactor) -> dict[str, Any]:
    """Return a request as it is shown in the task's rendered fields: as it was sent, but for its secrets."""
    body = None if request.body is None else show_content(request.body)
    if body is not None and len(body) > _LONGEST_BODY:
        body = f"{body[:_LONGEST_BODY]}… ({len(body)} characters)"
    return {
        "method": request.method,
        "url": redactor.redact_url(request.target),
        "headers": redactor.redact_headers(request.headers),
        "body": None if body is None else redactor.redact(body),
    }


def hide(value: Any, redactor: Redactor) -> Any:
    """Return plain data with every secret that ``redactor`` knows hidden, in names and in text."""
    if isinstance(value, str):
        return redactor.redact(value)
    if isinstance(value, Mapping):
        return {redactor.redact(str(name)): hide(item, redactor) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide(item, redactor) for item in value]
    return value


def hide_in_error(error: BaseException, redactor: Redactor) -> None:
    """Hide every secret in an error's message: it may quote an answer, which may repeat what was sent."""
    error.args = tuple(hide(part, redactor) for part in error.args)
