"""Where calls go and with which credentials: of the file, or of an Airflow connection."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pytest

from airflow_provider_gimme.errors import SecretError, StepError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.hooks.connection import connect
from airflow_provider_gimme.hooks.secrets import Secrets
from airflow_provider_gimme.hooks.target import Target, find_target
from airflow_provider_gimme.http import OAuth2Auth, SessionAuth
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.plan import plan_text

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own, at the first import of its models


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Define Airflow connections in the environment."""

    def define(conn_id: str, **fields: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "http", **fields}))

    return define


def target_of(keys: str, secrets: Secrets | None = None) -> Target:
    """Return the target of the one step of a workflow."""
    plan = plan_text(f"name: f\n{keys}\nsteps: [{{name: a, endpoint: /a}}]\n", "f.yaml")
    used = secrets or Secrets(Redactor(), ("*",), {"KEY": "s3cret-key"}, lambda _: None, lambda _: None)
    return find_target(plan.steps[0].work.service, Scope(secret=used, variables=plan.variables), used)  # type: ignore[attr-defined]


def sent(target: Target) -> dict[str, str]:
    """Return the headers that the credentials add."""
    return dict(target.auth.sign(Request("GET", target.base_url)).headers)


def test_the_files_own_credentials() -> None:
    """A base and a token that the file writes are resolved, and the token is known as a credential."""
    target = target_of("api_base: 'https://api.test/v1'\nauth: {type: bearer, token: '${KEY}'}")
    assert (target.base_url, sent(target)) == ("https://api.test/v1", {"Authorization": "Bearer s3cret-key"})
    assert target.credentials == {"s3cret-key"}


def test_a_secret_elsewhere_is_no_credential() -> None:
    """A `${NAME}` in the base is hidden in logs, but an output may hold its value."""
    assert target_of("api_base: 'https://${KEY}.test'").credentials == frozenset()


def test_a_connection_gives_base_login_and_headers(connection: Any) -> None:
    """Host, port, login, password and extras of an Airflow connection are used as the HTTP provider does."""
    connection(
        "shop", host="https://shop.test", port=8443, login="me", password="pass-word", extra={"X-Tenant": "acme"}
    )
    target = target_of("connection: shop")
    assert target.base_url == "https://shop.test:8443"
    assert sent(target) == {"X-Tenant": "acme", "Authorization": "Basic bWU6cGFzcy13b3Jk"}
    assert target.credentials == {"pass-word"}


def test_private_headers_of_a_connection_are_credentials(connection: Any) -> None:
    """A key in the extras is hidden like a password."""
    connection("shop", host="shop.test", extra={"X-API-Key": "key-of-shop"})
    secrets = Secrets(Redactor(), mask=lambda _: None)
    target = target_of("connection: shop", secrets)
    assert (target.base_url, target.credentials) == ("http://shop.test", frozenset({"key-of-shop"}))
    assert secrets.redactor.redact("key-of-shop") == "***"


def test_credentials_of_another_connection(connection: Any) -> None:
    """`auth` of type `connection` takes the login of the connection that it names, and not its host."""
    connection("login", host="https://elsewhere.test", login="me", password="pass-word")
    target = target_of("api_base: 'https://api.test'\nauth: {type: connection, connection: login}")
    assert (target.base_url, sent(target)) == ("https://api.test", {"Authorization": "Basic bWU6cGFzcy13b3Jk"})


def test_a_missing_connection_is_named() -> None:
    """A connection that is not there is an error that says what to make."""
    with pytest.raises(StepError, match="there is no Airflow connection 'nowhere'"):
        target_of("connection: nowhere")


def test_a_missing_secret_is_named() -> None:
    """A token without a value is an error before anything is sent."""
    with pytest.raises(SecretError, match="NO_SUCH_KEY"):
        target_of("api_base: 'https://api.test'\nauth: {type: bearer, token: '${NO_SUCH_KEY}'}")


@pytest.mark.parametrize("extra,expected", [({}, None), ({"verify": False}, False), ({"verify": True}, None)])
def test_verification_follows_the_connection(connection: Any, extra: dict[str, Any], expected: Any) -> None:
    """Certificates are verified unless the connection says otherwise."""
    connection("shop", host="https://shop.test", extra=extra)
    assert connect("shop").tls is expected


def test_certificates_of_a_connection(connection: Any) -> None:
    """A bundle of certificates makes a context of its own; one that cannot be read is an error."""
    import certifi

    connection("shop", host="https://shop.test", extra={"verify": certifi.where()})
    assert isinstance(connect("shop").tls, ssl.SSLContext)
    connection("shop", host="https://shop.test", extra={"verify": "/no/such/file.pem"})
    with pytest.raises(StepError, match="certificates of connection 'shop' cannot be read"):
        connect("shop")


def test_a_proxy_is_that_of_the_scheme(connection: Any) -> None:
    """The connection's proxy for the base's scheme is used."""
    connection("shop", host="https://shop.test", extra={"proxies": {"https": "http://proxy.test:3128"}})
    assert connect("shop").proxy == "http://proxy.test:3128"


def test_a_token_is_a_credential_as_soon_as_it_is_fetched() -> None:
    """It is hidden in logs by Airflow and by the redactor, and in outputs; a short one in logs alone."""
    masked: list[str] = []
    secrets = Secrets(Redactor(), ("*",), {"KEY": "s3cret-key"}, lambda _: None, masked.append)
    keys = "auth: {type: oauth2, token_url: /token, client_id: me, client_secret: '${KEY}'}"
    target = target_of(f"api_base: 'https://api.test/v1'\n{keys}", secrets)
    assert isinstance(target.auth, OAuth2Auth)
    assert (target.auth.token_url, target.credentials) == ("https://api.test/v1/token", {"s3cret-key"})
    for token in ("t0ken-s3cr3t", "abc"):
        target.auth.on_secret(token)
    assert target.credentials == {"s3cret-key", "t0ken-s3cr3t"}
    assert masked == ["s3cret-key", "t0ken-s3cr3t", "abc"]
    assert secrets.redactor.redact("t0ken-s3cr3t abc") == "*** ***"


def test_a_login_lies_under_the_base_of_a_connection(connection: Any) -> None:
    """And its password is a credential, too."""
    connection("kam", host="https://kam.test/api", login="unused", password="unused-password")
    keys = "auth: {type: session, login: {endpoint: /auth/login, payload: {password: '${KEY}'}}, token: $.token}"
    target = target_of(f"connection: kam\n{keys}")
    assert isinstance(target.auth, SessionAuth)
    assert (target.auth.login.url, target.credentials) == ("https://kam.test/api/auth/login", {"s3cret-key"})
