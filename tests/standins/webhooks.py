"""The receiver of webhooks: keeps every delivery and checks signatures by Standard Webhooks.

The signature covers ``<webhook-id>.<webhook-timestamp>.<body>`` with HMAC-SHA256 under the Base64-decoded secret
(its prefix ``whsec_`` left out); ``webhook-signature`` holds ``v1,<Base64>`` entries, separated by spaces.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from tests.standins.exchange import Answer, Received, Refusal, json_answer, json_body

__all__ = ["Delivery", "Inbox", "new_secret", "sign"]

_TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Delivery:
    """One delivery of a webhook."""

    id: str | None
    """The ``webhook-id``: the same for every attempt to deliver one event."""
    signed: bool | None
    """Whether its signature was right; None for a delivery without one."""
    authorization: str | None
    """The ``Authorization`` header it came with."""
    body: Any
    raw: str
    """The body as it came."""
    duplicate: bool
    """Whether the same id had been delivered before."""

    def to_json(self) -> dict[str, Any]:
        """Return the delivery as JSON data."""
        return asdict(self)


def new_secret() -> str:
    """Return a random secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def sign(secret: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    """Return the ``webhook-signature`` for a delivery."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class Inbox:
    """Keep deliveries; refuse those whose signature is wrong or older than five minutes."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.deliveries: list[Delivery] = []

    def receive(self, received: Received) -> Answer:
        """Keep one delivery and say so.

        :raises Refusal: 401 for a wrong signature; the delivery is kept, marked ``signed: false``.
        """
        body = json_body(received)
        webhook_id = received.header("webhook-id")
        known = any(each.id == webhook_id and each.signed is not False for each in self.deliveries if webhook_id)
        delivery = Delivery(
            webhook_id, self._signed(received), received.header("Authorization"), body, received.body.decode(), known
        )
        self.deliveries.append(delivery)
        if delivery.signed is False:
            raise Refusal(401, "wrong_signature", "the webhook's signature is wrong or too old")
        return json_answer(200, {"received": True, "duplicate": known})

    def _signed(self, received: Received) -> bool | None:
        signatures = received.header("webhook-signature")
        if signatures is None:
            return None
        webhook_id, timestamp = received.header("webhook-id"), received.header("webhook-timestamp")
        if not webhook_id or not timestamp or not timestamp.isdecimal():
            return False
        if abs(time.time() - int(timestamp)) > _TOLERANCE_SECONDS:
            return False
        right = sign(self._secret, webhook_id, timestamp, received.body)
        return any(hmac.compare_digest(right.encode(), each.encode()) for each in signatures.split())
