"""How the services of the orchestrator's network know each other: a bearer token and ``X-Worker-ID``."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from tests.standins.exchange import Received, Refusal

__all__ = ["WORKER_ID", "caller", "same"]

WORKER_ID = "X-Worker-ID"


def caller(received: Received, token: str, known: Collection[str] | None = None) -> str:
    """Return the name of the worker that calls; any name passes where none are ``known``.

    :raises Refusal: 401 without the right token or without a name, 403 for a name that is not known.
    """
    if not same(received.header("Authorization"), f"Bearer {token}"):
        raise Refusal(401, "unauthorized", "the token is missing or wrong", WWW_Authenticate="Bearer")
    name = received.header(WORKER_ID)
    if not name:
        raise Refusal(401, "unauthorized", f"{WORKER_ID} is missing")
    if known is not None and name not in known:
        raise Refusal(403, "forbidden", f"{name} is no worker of this network")
    return name


def same(sent: str | None, right: str) -> bool:
    """Say whether a credential is the right one, in a time that does not tell how wrong it is."""
    return hmac.compare_digest((sent or "").encode(errors="replace"), right.encode())
