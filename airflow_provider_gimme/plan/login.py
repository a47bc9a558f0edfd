"""The login of a session: its request, and where its answer holds the token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.plan.body import encode_body, media_type

if TYPE_CHECKING:
    from airflow_provider_gimme.config.auth import Login

__all__ = ["lead", "leaves", "login_request", "reader"]


def login_request(login: Login, url: str, headers: Mapping[str, str], payload: Any) -> Request:
    """Return the request that logs in; ``headers`` and ``payload`` are those of the file, secrets resolved.

    :raises ExpressionError: where the payload cannot be written as its content type.
    """
    if payload is None:
        return Request(login.method, url, (), headers)
    body = encode_body(payload, login.content_type)
    given = {"Content-Type": media_type(login.content_type), "Accept": "application/json"}
    own = {name.lower() for name in headers}
    kept = {name: value for name, value in given.items() if name.lower() not in own}
    return Request(login.method, url, (), {**kept, **headers}, body)


def leaves(written: Any, value: Any) -> Iterator[tuple[str, str]]:
    """Yield each text of a structure as it is written and as it is."""
    if isinstance(written, str):
        yield written, str(value)
    elif isinstance(written, Mapping) and isinstance(value, Mapping):
        for name, each in written.items():
            yield from leaves(each, value.get(name))
    elif isinstance(written, list) and isinstance(value, list):
        for each, one in zip(written, value, strict=True):
            yield from leaves(each, one)


def reader(path: str) -> Callable[[Any], Any]:
    """Return what reads a ``$.path`` of a body, null where it is absent.

    :raises ExpressionError: where it is no path.
    """
    from airflow_provider_gimme.expressions import Compiler, Scope

    compiled = Compiler().path_mapping(path)
    return lambda body: compiled.evaluate(Scope().with_root(body))


def lead(header: str, prefix: str | None) -> str:
    """Return what stands before a token in a header, the space included.

    A prefix that is not written is ``Bearer`` in ``Authorization``, and nothing elsewhere.
    """
    if prefix is None:
        prefix = "Bearer" if header.lower() == "authorization" else ""
    return f"{prefix} " if prefix and prefix[-1].isalnum() else prefix
