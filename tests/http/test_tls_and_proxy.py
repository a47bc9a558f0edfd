"""Certificates and proxies."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from airflow_provider_gimme.errors import ConnectError
from airflow_provider_gimme.http import BearerAuth, CallRecord, Request
from tests.conftest import Need
from tests.http.conftest import Serve, call


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory, need: Need) -> Path:
    """Make a certificate that signs itself; the file holds its key, too."""
    need("openssl", shutil.which("openssl"))
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "both.pem"
    program = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(
        [*program.split(), "-addext", "subjectAltName=IP:127.0.0.1", *files], check=True, capture_output=True
    )
    made.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return made


@pytest.fixture
def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_a_certificate_is_checked(serve: Serve, server_context: ssl.SSLContext) -> None:
    """One that nobody vouches for ends the attempt before anything is sent, and another would end the same way."""
    server = await serve(ssl=server_context)
    with pytest.raises(
        ConnectError, match=r"the server's certificate is not trusted: .*self-signed.*SSL_CERT_FILE"
    ) as caught:
        await call(server.base, Request("GET", server.base), auth=BearerAuth("s3cr3t"))
    assert (caught.value.sent, caught.value.retryable, server.calls) == (False, False, [])


async def test_a_context_of_ones_own_is_used(serve: Serve, server_context: ssl.SSLContext, certificate: Path) -> None:
    """It may trust another authority; False trusts anybody."""
    server = await serve(ssl=server_context)
    trusting = ssl.create_default_context(cafile=str(certificate))
    for context in (trusting, False):
        assert (await call(server.base, Request("GET", server.base), ssl=context)).status == 200


async def test_a_server_without_tls_is_told_as_such(serve: Serve) -> None:
    """Calling http as https breaks off while connecting."""
    server = await serve()
    base = server.base.replace("http:", "https:")
    with pytest.raises(ConnectError, match=r"cannot connect to 127\.0\.0\.1:\d+: .*SSL") as caught:
        await call(base, Request("POST", base))
    assert not caught.value.sent


@contextlib.asynccontextmanager
async def _proxy(answer: bytes | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a proxy that opens tunnels and passes plain calls on, or gives one answer to everything."""
    seen: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            seen.append(head := await reader.readuntil(b"\r\n\r\n"))
            if answer is not None:
                writer.write(answer)
                await writer.drain()
                return
            method, target, _ = head.split(b" ", 2)
            authority = target if method == b"CONNECT" else target.split(b"/")[2]
            host, _, port = authority.decode().rpartition(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                far_writer.write(head)
            await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(talk(reader, writer)))

    listener = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}", seen
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_calls_go_through_a_proxy(serve: Serve, server_context: ssl.SSLContext, scheme: str) -> None:
    """With the proxy's own credentials, which the server does not see."""
    server = await serve(ssl=server_context if scheme == "https" else None)
    async with _proxy() as (address, seen):
        response = await call(
            server.base, Request("GET", f"{server.base}/x"), ssl=False, proxy=f"http://ann:p%40ss@{address}"
        )
    assert response.data() == {"path": "/x"}
    pair = base64.b64encode(b"ann:p@ss")
    assert [b"Proxy-Authorization: Basic " + pair in head for head in seen] == [True]
    assert scheme == "http" or "Proxy-Authorization" not in server.calls[0].headers


@pytest.mark.parametrize("status,retryable", [(407, False), (502, True)])
async def test_a_proxy_that_refuses_is_told_as_such(status: int, retryable: bool) -> None:  # noqa: FBT001
    """Nothing was sent to the server, and its password is nowhere."""
    records: list[CallRecord] = []
    async with _proxy(b"HTTP/1.1 %d p4ssw0rd\r\nContent-Length: 0\r\n\r\n" % status) as (address, seen):
        with pytest.raises(ConnectError, match=f"the proxy answered {status} ") as caught:
            await call(
                "https://h.invalid",
                Request("POST", "https://h.invalid/"),
                proxy=f"http://ann:p4ssw0rd@{address}",
                on_call=records.append,
            )
    assert (caught.value.sent, caught.value.retryable, len(seen)) == (False, retryable, 1)
    assert "p4ssw0rd" not in str(caught.value) + str(records)


async def test_a_proxy_that_is_not_there_is_told_as_such() -> None:
    """Nothing was sent."""
    async with _proxy() as (address, _):
        pass
    with pytest.raises(ConnectError, match="the proxy cannot be reached") as caught:
        await call("http://h.invalid", Request("GET", "http://h.invalid/"), proxy=f"http://ann:p4ssw0rd@{address}")
    assert not caught.value.sent
    assert "p4ssw0rd" not in str(caught.value)
