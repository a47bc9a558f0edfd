"""The application that Airflow mounts under ``/gimme``.

Airflow mounts what plugins bring *without* authentication: each route depends on a user of its auth manager, or says
why it does not. A test walks the routes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    from fastapi import FastAPI

__all__ = ["PREFIX", "lazy_app", "make_app"]

PREFIX = "/gimme"
"""Where Airflow mounts the application."""


@cache
def make_app() -> FastAPI:
    """Return the application."""
    from fastapi import FastAPI

    from airflow_provider_gimme.api import events, resume

    app = FastAPI(title="Gimme", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(events.router, prefix="/api/v1")
    app.include_router(resume.router, prefix="/api/v1")  # a signed, single-use token is the right to it
    return app


async def lazy_app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Hand a request on to the application, which is made for the first: every Airflow process loads the plugin."""
    await make_app()(scope, receive, send)
