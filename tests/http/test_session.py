"""Sessions: a login, the place of the token in its answer, and the header that carries it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import TokenError
from airflow_provider_gimme.http import Client, Request, SessionAuth
from airflow_provider_gimme.http.lifetime import used_until
from tests.http.conftest import SECOND, Serve

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def auth_of(base: str, **options: Any) -> SessionAuth:
    login = Request(
        "POST", f"{base}/auth/login", (), {"Content-Type": "application/json"}, b'{"password": "p4ss-s3cr3t"}'
    )
    given = {"login": login, "read": lambda body: body.get("token"), "header": "x-bitware-session-token"}
    return SessionAuth(**{**given, "hidden": ("p4ss-s3cr3t",), **options})


async def test_a_login_gives_the_token_of_all_calls(serve: Serve) -> None:
    """It is made once, and the token is sent in the header that the API wants."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"token": "session-s3cr3t", "user": {"id": 1}})

    server = await serve(handler)
    async with Client(server.base, auth=auth_of(server.base)) as client:
        for path in ("/clients", "/budgets"):
            await client.send(Request("GET", server.base + path), timeout=10 * SECOND)
    assert server.lines == ["POST /auth/login", "GET /clients", "GET /budgets"]
    assert server.bodies[0] == b'{"password": "p4ss-s3cr3t"}'
    assert [call.headers.get("x-bitware-session-token") for call in server.calls] == [None, *["session-s3cr3t"] * 2]


async def test_a_session_that_has_ended_is_renewed(serve: Serve) -> None:
    """By a new login, once."""
    sessions: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/auth/login":
            sessions.append(f"session-{len(sessions)}")
            return web.json_response({"data": {"jwt": sessions[-1]}})
        current = request.headers["Authorization"] == f"Bearer {sessions[-1]}"
        return web.Response(status=200 if current and len(sessions) > 1 else 401)

    server = await serve(handler)
    auth = auth_of(server.base, read=lambda body: body["data"]["jwt"], header="Authorization", prefix="Bearer ")
    async with Client(server.base, auth=auth) as client:
        assert (await client.send(Request("GET", f"{server.base}/x"), timeout=10 * SECOND)).status == 200
    assert server.lines == ["POST /auth/login", "GET /x"] * 2


@pytest.mark.parametrize(
    "answer,told",
    [
        ({"Token": "x"}, r"there is no text at 'token' in its body \(it has: Token\)"),
        ({"token": {"value": "x"}}, "there is no text at 'token'"),
        ({"token": ""}, "there is no text at 'token'"),
    ],
)
async def test_a_login_without_a_token_is_told(serve: Serve, answer: Any, told: str) -> None:
    """It names what there is, and shows no value."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({**answer, "echo": "p4ss-s3cr3t"} if "Token" not in answer else answer)

    server = await serve(handler)
    async with Client(server.base, auth=auth_of(server.base)) as client:
        with pytest.raises(TokenError, match=told) as caught:
            await client.send(Request("GET", server.base), timeout=10 * SECOND)
    assert "s3cr3t" not in str(caught.value)
    assert f"POST {server.base}/auth/login answered 200, but" in str(caught.value)


async def test_a_refused_login_is_told_without_its_password(serve: Serve) -> None:
    """The server's words are in the message, the password that it repeats is not."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=401, text=f"wrong: {server.bodies[-1].decode()}")

    server = await serve(handler)
    async with Client(server.base, auth=auth_of(server.base)) as client:
        with pytest.raises(TokenError, match=r"answered 401 \(Unauthorized\): wrong: ") as caught:
            await client.send(Request("GET", server.base), timeout=10 * SECOND)
    assert "s3cr3t" not in str(caught.value)
    assert server.lines == ["POST /auth/login"]


@pytest.mark.parametrize(
    "told,seconds",
    [
        (3600, 3540),
        (100, 90),
        ("3600", 3540),
        (3600.5, 3540.5),
        (NOW.timestamp() + 3600, 3540),
        ((NOW.timestamp() + 3600) * 1000, 3540),
        ("2026-01-01T01:00:00Z", 3540),
        ("2026-01-01T01:00:00", 3540),
        ("2026-01-01T02:00:00+01:00", 3540),
        (0, 0),
        (-5, 0),
        ("2025-12-31T00:00:00Z", 0),
        (None, None),
        (True, None),
        ("soon", None),
        ("nan", None),
        ([3600], None),
        ("1e400", 100 * 366 * 86_400 - 60),
        (10**400, None),
    ],
)
def test_the_end_of_a_token_is_read_in_any_form(told: Any, seconds: float | None) -> None:
    """Seconds, a moment as a number or as text; what cannot be read says nothing."""
    until = used_until(told, NOW)
    assert until == (None if seconds is None else NOW + timedelta(seconds=seconds))
