"""OAuth 2: what is asked of a token endpoint, and what is read of its answer."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from airflow_provider_gimme.errors import RequestError, TokenError
from airflow_provider_gimme.http import Client, OAuth2Auth, Request, Token
from tests.http.conftest import SECOND, Serve

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://login.test/token"


def auth_of(**options: Any) -> OAuth2Auth:
    return OAuth2Auth(**{"token_url": URL, "client_id": "me", "client_secret": "s3cr3t", **options})


def form(request: Request) -> dict[str, str]:
    assert isinstance(request.body, bytes)
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


def test_a_client_proves_itself_by_its_secret_in_a_header() -> None:
    """The published example of RFC 6749, 4.4.2."""
    request = auth_of(client_id="s6BhdRkqt3", client_secret="gX1fBat3bV").token_request(None, NOW)
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers["Authorization"] == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.body == b"grant_type=client_credentials"


def test_id_and_secret_are_encoded_before_they_are_joined() -> None:
    """RFC 6749, 2.3.1: a colon or a special character in one of them is not taken for the other's."""
    header = auth_of(client_id="a:b", client_secret="p%ä ").token_request(None, NOW).headers["Authorization"]
    assert base64.b64decode(header.removeprefix("Basic ")) == b"a%3Ab:p%25%C3%A4+"


def test_a_client_proves_itself_by_its_secret_in_the_body() -> None:
    """With what else the server wants."""
    request = auth_of(client_auth="post", params={"scope": "a b", "audience": "x"}).token_request(None, NOW)
    assert "Authorization" not in request.headers
    assert form(request) == {
        "grant_type": "client_credentials",
        "scope": "a b",
        "audience": "x",
        "client_id": "me",
        "client_secret": "s3cr3t",
    }


KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def pem(key: Any, encryption: Any = None) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode())


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("one_line", [False, True])
def test_a_client_proves_itself_by_a_signed_jwt(algorithm: Any, *, one_line: bool) -> None:
    """RFC 7523, 3: who, for whom, for five minutes, once; the key may be written in one line."""
    key = pem(KEYS[algorithm])
    written = key.replace("\n", "\\n") if one_line else key
    auth = auth_of(
        client_auth="private_key_jwt", client_secret="", private_key=written, key_id="k1", algorithm=algorithm
    )
    requests = [auth.token_request(None, datetime.now(UTC)) for _ in range(2)]
    sent = form(requests[0])
    assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assertion = sent["client_assertion"]
    claims = jwt.decode(assertion, KEYS[algorithm].public_key(), [algorithm], audience=URL)
    assert (claims["iss"], claims["sub"], claims["exp"] - claims["iat"]) == ("me", "me", 300)
    assert jwt.get_unverified_header(assertion)["kid"] == "k1"
    assert (
        claims["jti"] != jwt.decode(form(requests[1])["client_assertion"], options={"verify_signature": False})["jti"]
    )
    assert auth.sent_secrets(requests[0]) == (assertion,)


def test_an_assertion_may_be_for_somebody_else() -> None:
    """Some servers want their issuer as the audience."""
    auth = auth_of(client_auth="private_key_jwt", private_key=pem(KEYS["RS256"]), assertion_audience="https://issuer")
    assertion = form(auth.token_request(None, datetime.now(UTC)))["client_assertion"]
    assert jwt.decode(assertion, options={"verify_signature": False})["aud"] == "https://issuer"


@pytest.mark.parametrize(
    "key",
    ["rubbish-s3cr3t", "", pem(KEYS["ES256"]), pem(KEYS["RS256"], BestAvailableEncryption(b"x"))],
    ids=["rubbish", "empty", "another kind", "with a password"],
)
def test_a_key_that_cannot_sign_is_an_error_that_does_not_show_it(key: str) -> None:
    """It says which key and for what, and how it was found out is not part of it."""
    auth = auth_of(client_auth="private_key_jwt", private_key=key)
    with pytest.raises(RequestError, match=r"'private_key' is not a key in PEM.*can sign by RS256") as caught:
        auth.token_request(None, NOW)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_a_key_that_cannot_sign_ends_the_call(serve: Serve) -> None:
    """Nothing is sent to anybody."""
    server = await serve()
    auth = auth_of(token_url=f"{server.base}/token", client_auth="private_key_jwt", private_key="x")
    async with Client(server.base, auth=auth) as client:
        with pytest.raises(TokenError, match="'private_key' is not a key") as caught:
            await client.send(Request("GET", server.base), timeout=10 * SECOND)
    assert (server.calls, caught.value.retryable) == ([], False)


def test_a_refresh_token_fetches_and_its_successor_is_used_next() -> None:
    """RFC 6749, 6: a server may give a new refresh token in place of the old one."""
    auth = auth_of(grant="refresh_token", refresh_token="first")
    assert form(auth.token_request(None, NOW)) == {"grant_type": "refresh_token", "refresh_token": "first"}
    assert form(auth.token_request(Token("t"), NOW))["refresh_token"] == "first"
    request = auth.token_request(Token("t", refresh="second"), NOW)
    assert form(request)["refresh_token"] == "second"
    assert auth.sent_secrets(request) == ("second",)


async def test_rotated_refresh_tokens_are_used_one_after_the_other(serve: Serve) -> None:
    """A server that takes each of them once renews as often as a task needs it."""
    given = ["first"]

    async def handler(request: web.Request) -> web.Response:
        if request.path != "/token":
            return web.Response(status=200 if request.headers["Authorization"] == f"Bearer for {given[-1]}" else 401)
        sent = dict(parse_qsl(server.bodies[-1].decode()))
        if sent["refresh_token"] != given[-1]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        given.append(f"refresh-{len(given)}")
        rotated = {} if len(given) == 4 else {"refresh_token": given[-1]}
        return web.json_response({"access_token": f"for {given[-1]}", "expires_in": 5, **rotated})

    server = await serve(handler)
    auth = auth_of(token_url=f"{server.base}/token", grant="refresh_token", refresh_token="first", client_auth="none")
    moment = [NOW]
    async with Client(server.base, auth=auth, now=lambda: moment[0]) as client:
        for _ in range(3):
            assert (await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)).status == 200
            moment[0] += timedelta(seconds=10)
    assert server.lines == ["POST /token", "GET /x"] * 3
    assert server.bodies[0] == b"grant_type=refresh_token&refresh_token=first&client_id=me"


async def test_a_repeated_assertion_is_hidden_in_errors(serve: Serve) -> None:
    """A server that says what it got does not bring it into a log."""

    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=400, text=server.bodies[-1].decode())

    server = await serve(echo)
    auth = auth_of(
        token_url=f"{server.base}/token",
        client_auth="private_key_jwt",
        private_key=pem(KEYS["ES256"]),
        algorithm="ES256",
    )
    async with Client(server.base, auth=auth) as client:
        with pytest.raises(TokenError, match="client_assertion=") as caught:
            await client.send(Request("GET", server.base), timeout=10 * SECOND)
    assertion = dict(parse_qsl(server.bodies[0].decode()))["client_assertion"]
    assert assertion not in str(caught.value)
    assert assertion.split(".")[2] not in str(caught.value)


def test_nothing_secret_is_in_its_representation() -> None:
    """Nor in that of a token; all that is secret is known as such."""
    auth = auth_of(client_secret="a-s3cr3t", refresh_token="b-s3cr3t", private_key="c-s3cr3t", params={"p": "d-s3cr3t"})
    assert "s3cr3t" not in repr((auth, Token("e-s3cr3t", refresh="f-s3cr3t")))
    assert {"a-s3cr3t", "b-s3cr3t", "c-s3cr3t"} <= set(auth.secrets)
    assert json.dumps(auth.sketch(Request("GET", "https://h/")).headers) == '{"Authorization": "Bearer <token>"}'
