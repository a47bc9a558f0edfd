"""Certificates and proxies of an Airflow connection, against servers that insist on them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_provider_gimme.errors import ConnectError, StepError, TokenError
from airflow_provider_gimme.hooks.connection import connect
from airflow_provider_gimme.http import Client, OAuth2Auth, Request
from airflow_provider_gimme.http.auth import Auth
from tests.http.conftest import Serve, serve

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own, at the first import of its models

__all__ = ["serve"]

SECOND = timedelta(seconds=5)
Key = ec.EllipticCurvePrivateKey


def _certificate(name: str, key: Key, issuer: str, issuer_key: Key, *, authority: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    subject, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, issuer))
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, authority, authority, False, False)
    for extension, critical in ((address, False), (issuer_id, False), (own_id, False), (usage, True)):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


@dataclass(frozen=True)
class Files:
    """An authority, a server and a client that it vouches for."""

    authority: Path
    server: Path
    client: Path
    client_key: Path
    locked_key: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Make the certificates; the key of `client` is in its file, and beside it without and with a password."""
    folder = tmp_path_factory.mktemp("certificates")
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("authority", "server", "client")}
    no_password = serialization.NoEncryption()
    password = serialization.BestAvailableEncryption(b"open-s3same")

    def write(name: str, *parts: bytes) -> Path:
        (folder / name).write_bytes(b"".join(parts))
        return folder / name

    def pem(name: str, encryption: serialization.KeySerializationEncryption = no_password) -> bytes:
        pkcs8 = serialization.PrivateFormat.PKCS8
        return keys[name].private_bytes(serialization.Encoding.PEM, pkcs8, encryption)

    def vouched(name: str) -> bytes:
        made = _certificate(name, keys[name], "authority", keys["authority"], authority=name == "authority")
        return made.public_bytes(serialization.Encoding.PEM)

    return Files(
        write("authority.pem", vouched("authority")),
        write("server.pem", pem("server"), vouched("server")),
        write("client.pem", pem("client"), vouched("client")),
        write("client.key", pem("client")),
        write("locked.key", pem("client", password)),
    )


@pytest.fixture
def insisting(files: Files) -> ssl.SSLContext:
    """Return the context of a server that takes nobody without a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.authority))
    context.load_cert_chain(files.server)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


Get = Callable[..., Any]


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Get:
    """Call an API as a connection with some extras does."""

    async def call(base: str, extra: dict[str, Any], auth: Auth | None = None) -> int:
        host = {"conn_type": "http", "host": base, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(host))
        connected = await asyncio.to_thread(connect, "shop")
        async with Client(connected.base_url, auth=auth, ssl=connected.tls, proxy=connected.proxy) as client:
            return (await client.send(Request("GET", f"{base}/x"), timeout=SECOND)).status

    return call


async def test_a_server_that_wants_a_certificate_gets_it(
    serve: Serve, get: Get, files: Files, insisting: ssl.SSLContext
) -> None:
    """In one file with its key, or in two, or with a key that has a password."""
    server = await serve(ssl=insisting)
    verify = str(files.authority)
    for cert in (
        str(files.client),
        [str(files.client), str(files.client_key)],
        [str(files.client), str(files.locked_key), "open-s3same"],
    ):
        assert await get(server.base, {"verify": verify, "cert": cert}) == 200
    assert len(server.calls) == 3


async def test_without_a_certificate_it_takes_nobody(
    serve: Serve, get: Get, files: Files, insisting: ssl.SSLContext
) -> None:
    """The call breaks off, and the server has seen no request."""
    server = await serve(ssl=insisting)
    with pytest.raises(ConnectError):
        await get(server.base, {"verify": str(files.authority)})
    assert server.calls == []


async def test_an_authority_that_is_not_trusted_is_refused(
    serve: Serve, get: Get, files: Files, insisting: ssl.SSLContext
) -> None:
    """Only what `verify` names is trusted, a file or a folder; the system's are where it names none."""
    server = await serve(ssl=insisting)
    with pytest.raises(ConnectError, match="the server's certificate is not trusted"):
        await get(server.base, {"cert": str(files.client)})
    with pytest.raises(ConnectError, match="the server's certificate is not trusted"):
        await get(server.base, {"cert": str(files.client), "verify": str(files.authority.parent)})
    assert server.calls == []


@pytest.mark.parametrize(
    "cert", [["locked"], ["locked", "wrong-s3same"], ["nowhere"], ["client", "x", "more"]], ids=lambda cert: cert[0]
)
def test_a_key_that_cannot_be_read_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, files: Files, cert: list[str]
) -> None:
    """Nobody is asked for a password at a terminal, and none is told."""
    key = {"locked": str(files.locked_key), "nowhere": "/nowhere.key", "client": str(files.server)}[cert[0]]
    extra = {"cert": [str(files.client), key, *cert[1:]]}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "http", "host": "https://h", "extra": extra}))
    with pytest.raises(StepError, match="the certificates of connection 'shop' cannot be read") as caught:
        connect("shop")
    assert "s3same" not in str(caught.value)


async def test_a_token_of_the_same_origin_is_fetched_with_the_same_certificates(
    serve: Serve, get: Get, files: Files, insisting: ssl.SSLContext
) -> None:
    """Of another origin it is not: neither is the client's certificate shown there, nor is its authority trusted."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t"})

    server, other = await serve(answer, ssl=insisting), await serve(answer, ssl=insisting)
    extra = {"verify": str(files.authority), "cert": str(files.client)}
    auth = OAuth2Auth(token_url=f"{server.base}/token", client_id="me", client_secret="client-s3cr3t")
    assert await get(server.base, extra, auth) == 200
    assert server.lines == ["POST /token", "GET /x"]
    elsewhere = OAuth2Auth(token_url=f"{other.base}/token", client_id="me", client_secret="client-s3cr3t")
    with pytest.raises(TokenError, match=r"no token could be fetched: .*certificate is not trusted"):
        await get(server.base, extra, elsewhere)
    assert other.calls == []


@pytest.mark.parametrize(
    "proxies,expected",
    [
        ({"https": "http://p.test:3128"}, "http://p.test:3128"),
        ({"https": "p.test:3128"}, "http://p.test:3128"),
        ({"all": "p.test:3128"}, "http://p.test:3128"),
        ("http://me:pw@p.test:3128", "http://me:pw@p.test:3128"),
        ({"http": "p.test:3128"}, None),
        ({}, None),
    ],
)
def test_a_proxy_is_that_of_the_scheme(monkeypatch: pytest.MonkeyPatch, proxies: Any, expected: str | None) -> None:
    """With or without a scheme of its own."""
    extra = {"proxies": proxies}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "http", "host": "https://h", "extra": extra}))
    assert connect("shop").proxy == expected


async def test_calls_and_tokens_go_through_the_proxy_of_the_connection(serve: Serve, get: Get) -> None:
    """Hosts that nobody else knows are reached by it."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t"})

    proxy = await serve(answer)
    auth = OAuth2Auth(token_url="http://login.invalid/token", client_id="me", client_secret="client-s3cr3t")
    assert await get("http://api.invalid", {"proxies": {"http": proxy.base}}, auth) == 200
    assert [str(call.raw_path) for call in proxy.calls] == ["http://login.invalid/token", "http://api.invalid/x"]
    assert proxy.calls[1].headers["Authorization"] == "Bearer t"
