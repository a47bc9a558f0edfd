"""No secret leaves the engine: not in an error, its traceback, a record, or the line of the log."""

from __future__ import annotations

import base64
import logging
import traceback
from urllib.parse import quote

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import CallError
from airflow_provider_gimme.http import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    CallRecord,
    HeaderAuth,
    Request,
    format_call,
)
from tests.http.conftest import Serve, ServeRaw, call

SECRET = 'p/w+ "x"=ü&s3cr3t'
FORMS = (SECRET, "s3cr3t", quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode().rstrip("="))
AUTHS: list[Auth] = [
    BearerAuth(SECRET),
    ApiKeyAuth(SECRET),
    ApiKeyAuth(SECRET, "key", "query"),
    BasicAuth("ann", SECRET),
    HeaderAuth({"X-Mine": f"Token {SECRET}"}),
]
PAIR = base64.b64encode(f"ann:{SECRET}".encode()).decode()


async def _all_that_is_said(base: str, auth: Auth, caplog: pytest.LogCaptureFixture) -> str:
    """Call with the secret in path and query too; return all that anybody could read of the failure."""
    caplog.set_level(logging.DEBUG)
    records: list[CallRecord] = []
    request = Request("GET", f"{base}/{quote(SECRET, safe='')}", (("q", SECRET),), {"X-Own": SECRET})
    with pytest.raises(CallError) as caught:
        await call(base, request, auth=auth, seconds=1, on_call=records.append)
    error = caught.value
    told = [*traceback.format_exception(error), repr(error), str(vars(error)), str(records)]
    told += [entry.getMessage() for entry in caplog.records if entry.name != "aiohttp.access"]
    return "\n".join([*told, *(format_call(record) for record in records)])


@pytest.mark.parametrize("auth", AUTHS, ids=[type(auth).__name__ for auth in AUTHS])
async def test_a_server_that_echoes_everything_reveals_nothing(
    serve: Serve, auth: Auth, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it got, as JSON, in its body and its headers."""

    async def handler(request: web.Request) -> web.Response:
        echo = {
            "url": str(request.rel_url),
            "raw": request.raw_path,
            "headers": dict(request.headers),
            "secret": SECRET,
        }
        headers = {"X-Echo": request.raw_path, "X-Auth": PAIR, "X-Mine": "Token " + quote(SECRET)}
        return web.json_response(echo, status=500, headers=headers)

    server = await serve(handler)
    told = await _all_that_is_said(server.base, auth, caplog)
    assert "500" in told
    assert [form for form in (*FORMS, PAIR) if form in told] == []


@pytest.mark.parametrize("script", [[], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 30.0], [b"rubbish\r\n\r\n"]])
async def test_an_exchange_that_fails_reveals_nothing(
    serve_raw: ServeRaw, script: list[bytes | float], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither one that is cut, nor one that hangs, nor one that is no HTTP."""
    server = await serve_raw(script)
    told = await _all_that_is_said(server.base, ApiKeyAuth(SECRET, "key", "query"), caplog)
    assert [form for form in FORMS if form in told] == []
