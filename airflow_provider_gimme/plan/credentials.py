"""The credentials of a call, made of what a file has written and the values of its texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_gimme.config import auth as config
from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.http import auth as http
from airflow_provider_gimme.http.patterns import SIGNATURE, used_parts
from airflow_provider_gimme.plan.auth import secret_texts

__all__ = ["resolve"]


@singledispatch
def resolve(written: config.Auth, _texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    """Return the credentials that a file has written, from the values of its texts.

    :raises StepError: where what should be a URL is none, or a connection gives the credentials.
    """
    raise StepError(f"auth of type '{written.type}' takes its credentials from a connection")


@resolve.register
def _none(_written: config.NoAuth, _texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    return http.NoAuth()


@resolve.register
def _bearer(_written: config.BearerAuth, texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    return http.BearerAuth(texts["token"])


@resolve.register
def _api_key(written: config.ApiKeyAuth, texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    return http.ApiKeyAuth(texts["api_key"], header_name=texts["header_name"], in_=written.in_)


@resolve.register
def _basic(_written: config.BasicAuth, texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    return http.BasicAuth(texts["username"], texts["password"])


@resolve.register
def _custom(_written: config.CustomAuth, texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    headers = _under("custom_headers", texts)
    if "header_name" in texts:
        headers[texts["header_name"]] = texts["token"]
    return http.HeaderAuth(headers)


@resolve.register
def _hmac(written: config.HmacAuth, texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    from airflow_provider_gimme.http.signing import HmacAuth, StandardWebhooksAuth

    if written.preset == "standard_webhooks":
        return StandardWebhooksAuth(secret=texts["secret"])
    return HmacAuth(
        secret=texts["secret"],
        pattern=texts["sign"],
        key_id=texts.get("key_id", ""),
        algorithm=written.algorithm,
        secret_encoding=written.secret_encoding,
        encoding=written.encoding,
        timestamp_format=written.timestamp_format,
        headers=_carriers(texts),
        query=_under("query", texts),
    )


def _carriers(texts: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that a signature sends, each with its pattern."""
    in_query = any(SIGNATURE in used_parts(text) for text in _under("query", texts).values())
    each = {
        texts.get("timestamp_header"): "{timestamp}",
        texts.get("nonce_header"): "{nonce}",
        texts.get("key_id_header"): "{key_id}",
        texts.get("header") or (None if in_query else "X-Signature"): texts["format"],
    }
    return {name: pattern for name, pattern in each.items() if name}


@resolve.register
def _sigv4(_written: config.AwsSigV4Auth, texts: Mapping[str, Any], _base_url: str) -> http.Auth:
    from airflow_provider_gimme.http.sigv4 import AwsSigV4Auth

    return AwsSigV4Auth(
        access_key=texts["access_key"],
        secret_key=texts["secret_key"],
        region=texts["region"],
        service=texts["service"],
        session_token=texts.get("session_token"),
    )


@resolve.register
def _oauth2(written: config.OAuth2Auth, texts: Mapping[str, Any], base_url: str) -> http.Auth:
    from airflow_provider_gimme.http.oauth2 import OAuth2Auth

    params = {name: texts[name] for name in ("scope", "audience", "resource") if name in texts}
    return OAuth2Auth(
        token_url=_absolute("auth.token_url", base_url, texts["token_url"]),
        client_id=texts["client_id"],
        grant=written.grant,
        client_auth=written.proof,
        client_secret=texts.get("client_secret", ""),
        refresh_token=texts.get("refresh_token", ""),
        private_key=texts.get("private_key", ""),
        key_id=texts.get("key_id"),
        algorithm=written.algorithm,
        assertion_audience=texts.get("assertion_audience"),
        params={**params, **_under("params", texts)},
    )


@resolve.register
def _session(written: config.SessionAuth, texts: Mapping[str, Any], base_url: str) -> http.Auth:
    from airflow_provider_gimme.http.session import SessionAuth
    from airflow_provider_gimme.plan.login import lead, login_request, reader

    url = _absolute("auth.login.endpoint", base_url, texts["login.endpoint"])
    headers = _under("login.headers", texts)
    return SessionAuth(
        login=login_request(written.login, url, headers, texts.get("login.payload")),
        read=reader(written.token),
        read_end=None if written.expires_in is None else reader(written.expires_in),
        header=texts["header"],
        prefix=lead(texts["header"], texts.get("prefix")),
        hidden=secret_texts(written, texts),
    )


def _under(field: str, texts: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of a map: name to value."""
    return {name.partition(f"{field}.")[2]: text for name, text in texts.items() if name.startswith(f"{field}.")}


def _absolute(where: str, base_url: str, url: str) -> str:
    """Return a URL, or what a path is under the base."""
    from airflow_provider_gimme.plan.address import join_url

    joined = join_url(base_url, url)
    if urlsplit(joined).scheme in {"http", "https"}:
        return joined
    raise StepError(f"'{where}' is not an http or https URL, and there is no base that it could lie under. Correct it.")
