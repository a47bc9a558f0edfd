"""An Airflow HTTP connection as our calls need it: base URL, credentials, TLS, proxy."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_gimme.errors import StepError

if TYPE_CHECKING:
    from requests import Session

__all__ = ["Connected", "connect"]


@dataclass(frozen=True)
class Connected:
    """What a connection says. Its headers and its password are secrets of the connection's own origin."""

    base_url: str
    username: str | None = None
    password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | bool | None = None
    """A context of the connection's own certificates, False for no verification, None for the default."""
    proxy: str | None = None


def connect(conn_id: str) -> Connected:
    """Read an Airflow HTTP connection as the HTTP provider's hook does.

    :raises StepError: where there is none of this id, or its certificates cannot be read.
    """
    from airflow.providers.http.hooks.http import HttpHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    hook = HttpHook(http_conn_id=conn_id, tcp_keep_alive=False)
    try:
        session = hook.get_conn()
    except AirflowNotFoundException:
        raise StepError(
            f"there is no Airflow connection '{conn_id}'. Make one of type HTTP under this id, or correct the file."
        ) from None
    username, password = getattr(session.auth, "username", None), getattr(session.auth, "password", "")
    return Connected(
        hook.base_url,
        username,
        str(password or ""),
        _own_headers(session),
        _tls(session, conn_id),
        _proxy(session, hook.base_url),
    )


def _own_headers(session: Session) -> dict[str, str]:
    from requests.utils import default_headers

    built_in: Mapping[str, Any] = default_headers()
    return {name: str(value) for name, value in session.headers.items() if built_in.get(name) != value}


def _tls(session: Session, conn_id: str) -> ssl.SSLContext | bool | None:
    verify, cert = session.verify, session.cert
    if verify is False:
        return False
    if verify is True and cert is None:
        return None
    try:
        context = _trusting(verify)
        if cert is not None:
            _prove(context, cert)
    except (OSError, TypeError, ValueError) as error:
        raise StepError(f"the certificates of connection '{conn_id}' cannot be read: {error}") from None
    return context


def _trusting(verify: object) -> ssl.SSLContext:
    """Return a context that trusts the authorities of a file or a folder alone, or those of the system."""
    if not isinstance(verify, str):
        return ssl.create_default_context()
    if Path(verify).is_dir():
        return ssl.create_default_context(capath=verify)
    return ssl.create_default_context(cafile=verify)


def _prove(context: ssl.SSLContext, cert: str | Sequence[str]) -> None:
    """Load a certificate of the client's own: a file with its key, or certificate and key, and the key's password."""
    certificate, *rest = (cert,) if isinstance(cert, str) else cert
    key, password = (*rest, None, None)[:2]
    # Without any password OpenSSL would ask the terminal for that of a key that has one.
    context.load_cert_chain(certificate, key, password or "")


def _proxy(session: Session, base_url: str) -> str | None:
    proxies: Any = session.proxies
    if isinstance(proxies, str):
        proxies = {"all": proxies}
    found = (proxies.get(urlsplit(base_url).scheme) or proxies.get("all")) if proxies else None
    if not found:
        return None
    return str(found) if "://" in str(found) else f"http://{found}"
