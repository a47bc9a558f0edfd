"""From the ``auth`` of a file to the credentials of a call."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from pydantic import TypeAdapter

from airflow_provider_gimme.config.auth import Auth as AuthConfig
from airflow_provider_gimme.errors import ExpressionError, StepError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.http import (
    AwsSigV4Auth,
    BearerAuth,
    HmacAuth,
    OAuth2Auth,
    Request,
    SessionAuth,
    StandardWebhooksAuth,
    Token,
)
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.auth import AuthPlan, resolve_texts, secret_texts
from airflow_provider_gimme.plan.call import CallWork

BASE = "https://a.example/v1"
SECRETS = Scope(secret=lambda name: f"<{name}>")


def planned(auth: str) -> AuthPlan:
    """Plan the ``auth`` of a workflow."""
    plan = plan_text(f"name: w\napi_base: {BASE}\nauth: {auth}\nsteps: [{{name: a}}]\n", "w.yaml")
    work = plan.steps[0].work
    assert isinstance(work, CallWork)
    assert work.service.auth is not None
    return work.service.auth


SESSION = """{type: session, login: {endpoint: /auth/login, headers: {X-Client: "${C}"},
  payload: {email: "${U}", password: "p-${P}", remember: true, tags: ["${T}", x]}},
  token: $.data.token, header: x-session, expires_in: $.data.ttl}"""

KINDS: dict[str, tuple[str, Any]] = {
    "hmac": (
        '{type: hmac, secret: "${S}", key_id: k, sign: "{timestamp}{body}", timestamp_header: T, nonce_header: N}',
        HmacAuth(
            secret="<S>",
            key_id="k",
            pattern="{timestamp}{body}",
            headers={"T": "{timestamp}", "N": "{nonce}", "X-Signature": "{signature}"},
        ),
    ),
    "hmac with all of it": (
        (
            '{type: hmac, secret: "${S}", secret_encoding: hex, key_id: "${K}", algorithm: sha512, encoding: base64, '
            'sign: "{body}", header: Authorization, format: "HMAC {key_id}:{signature}", key_id_header: K, '
            "timestamp_format: iso, query: {ts: '{timestamp}'}}"
        ),
        HmacAuth(
            secret="<S>",
            secret_encoding="hex",
            key_id="<K>",
            algorithm="sha512",
            encoding="base64",
            pattern="{body}",
            headers={"K": "{key_id}", "Authorization": "HMAC {key_id}:{signature}"},
            query={"ts": "{timestamp}"},
            timestamp_format="iso",
        ),
    ),
    "hmac in the query": (
        '{type: hmac, secret: "${S}", sign: "{query}", query: {signature: "{signature}"}}',
        HmacAuth(secret="<S>", pattern="{query}", query={"signature": "{signature}"}),
    ),
    "standard webhooks": (
        '{type: hmac, preset: standard_webhooks, secret: "${S}"}',
        StandardWebhooksAuth(secret="<S>"),
    ),
    "aws": (
        '{type: aws_sigv4, region: r, service: s3, access_key: "${A}", secret_key: "${S}", session_token: "${T}"}',
        AwsSigV4Auth(access_key="<A>", secret_key="<S>", region="r", service="s3", session_token="<T>"),
    ),
    "oauth2": (
        (
            '{type: oauth2, token_url: "https://login.example/token", client_id: me, client_secret: "${S}", '
            'scope: a b, audience: x, params: {resource: "urn:y"}}'
        ),
        OAuth2Auth(
            token_url="https://login.example/token",
            client_id="me",
            client_secret="<S>",
            params={"scope": "a b", "audience": "x", "resource": "urn:y"},
        ),
    ),
    "oauth2 by a key": (
        (
            '{type: oauth2, token_url: /token, client_id: me, private_key: "${K}", key_id: k1, algorithm: ES256, '
            "assertion_audience: https://issuer}"
        ),
        OAuth2Auth(
            token_url=f"{BASE}/token",
            client_id="me",
            client_auth="private_key_jwt",
            private_key="<K>",
            key_id="k1",
            algorithm="ES256",
            assertion_audience="https://issuer",
        ),
    ),
    "oauth2 by a refresh token": (
        '{type: oauth2, token_url: /token, client_id: me, grant: refresh_token, refresh_token: "${R}"}',
        OAuth2Auth(
            token_url=f"{BASE}/token", client_id="me", grant="refresh_token", client_auth="none", refresh_token="<R>"
        ),
    ),
    "session": (
        SESSION,
        SessionAuth(
            login=Request(
                "POST",
                f"{BASE}/auth/login",
                (),
                {"Content-Type": "application/json", "Accept": "application/json", "X-Client": "<C>"},
                b'{"email":"<U>","password":"p-<P>","remember":true,"tags":["<T>","x"]}',
            ),
            read=lambda body: body,
            header="x-session",
            hidden=("<C>", "<U>", "p-<P>", "<T>"),
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_resolved_where_a_call_is_made(kind: str) -> None:
    """What the file writes, secrets filled in; paths lie under the base."""
    written, expected = KINDS[kind]
    assert planned(written).resolve(SECRETS, BASE) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_makes_the_same_of_configuration_and_texts(kind: str) -> None:
    """Both travel as JSON, and what is secret among the texts can be told."""
    plan, expected = planned(KINDS[kind][0]), KINDS[kind][1]
    sent = json.dumps({"auth": plan.config.model_dump(mode="json", by_alias=True, exclude_unset=True)})
    config: Any = TypeAdapter(AuthConfig).validate_python(json.loads(sent)["auth"])
    texts = json.loads(json.dumps(plan.evaluate(SECRETS)))
    assert resolve_texts(config, texts, BASE) == expected
    hidden = secret_texts(config, texts)
    assert hidden
    assert all("<" in text for text in hidden)


def test_a_session_reads_its_token_by_path() -> None:
    """Over the answer's body; what is not there is null."""
    auth = planned(SESSION).resolve(SECRETS, BASE)
    assert isinstance(auth, SessionAuth)
    assert auth.read_end is not None
    body = {"data": {"token": "t", "ttl": 60}}
    assert (auth.read(body), auth.read_end(body), auth.read({"data": []}), auth.read(None)) == ("t", 60, None, None)


@pytest.mark.parametrize(
    "keys,value",
    [
        ("", "Bearer t"),
        ("prefix: ''", "t"),
        ("prefix: Token", "Token t"),
        ("prefix: 'Token token='", "Token token=t"),
        ("header: X-Token", "t"),
        ("header: X-Token, prefix: v1", "v1 t"),
    ],
)
def test_what_stands_before_a_token(keys: str, value: str) -> None:
    """``Bearer`` in ``Authorization``, nothing elsewhere, unless the file says what."""
    auth = planned(f"{{type: session, login: {{endpoint: /l}}, token: $.t, {keys}}}").resolve(SECRETS, BASE)
    assert isinstance(auth, SessionAuth)
    assert auth.with_token(Request("GET", BASE), Token("t")).headers == {auth.header: value}


def test_a_login_may_be_a_form_or_have_no_body() -> None:
    """A header of the file comes before the one of its content type."""
    login = "endpoint: https://login.example/in, content_type: form, payload: {a: b c}, headers: {content-type: x/y}"
    auth = planned(f"{{type: session, login: {{{login}}}, token: $.t}}").resolve(SECRETS, BASE)
    assert isinstance(auth, SessionAuth)
    assert (auth.login.url, auth.login.body) == ("https://login.example/in", b"a=b+c")
    assert auth.login.headers == {"Accept": "application/json", "content-type": "x/y"}
    auth = planned("{type: session, login: {endpoint: /in, method: GET}, token: $.t}").resolve(SECRETS, BASE)
    assert isinstance(auth, SessionAuth)
    assert (auth.login.method, auth.login.body, auth.login.headers) == ("GET", None, {})


def test_a_login_that_cannot_be_written_is_an_error() -> None:
    """A list is no form."""
    auth = planned("{type: session, login: {endpoint: /in, content_type: form, payload: [1]}, token: $.t}")
    with pytest.raises(ExpressionError, match="a form's body is a map"):
        auth.resolve(SECRETS, BASE)


@pytest.mark.parametrize("url", ["/token", "ftp://login.example/token", "${URL}"])
def test_where_a_token_is_fetched_is_a_url(url: str) -> None:
    """A path without a base, or another scheme, is an error that names the key."""
    auth = planned(f'{{type: oauth2, token_url: "{url}", client_id: me, client_secret: "${{S}}"}}')
    with pytest.raises(StepError, match=r"'auth.token_url' is not an http or https URL"):
        auth.resolve(Scope(secret=lambda _name: "nowhere"))


def test_every_secret_of_the_credentials_hides() -> None:
    """Their representation shows no value that the file takes from elsewhere."""
    for written, _ in KINDS.values():
        plan = planned(written)
        auth = plan.resolve(Scope(secret=lambda name: f"s3cr3t-{name}"), BASE)
        shown = {field.name for field in fields(auth) if field.repr} - {"key_id", "access_key"}  # type: ignore[arg-type]
        assert not [name for name in shown if "s3cr3t" in repr(getattr(auth, name))], written


def test_a_bearer_token_takes_no_base() -> None:
    """The older kinds are as they were."""
    assert planned('{type: bearer, token: "${T}"}').resolve(SECRETS) == BearerAuth("<T>")
