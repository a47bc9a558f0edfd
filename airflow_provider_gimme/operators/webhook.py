"""Events as they are delivered: body, stable id, signature by Standard Webhooks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.http.signing import sign_webhook

__all__ = ["Event"]


@dataclass(frozen=True)
class Event:
    """One event: what happened, to which run."""

    id: str
    """The same for every delivery of one event, so that a receiver can tell a repetition."""
    type: str
    """``run.succeeded``, ``run.failed``, ``run.tolerated`` or ``run.long``."""
    timestamp: datetime
    data: dict[str, Any]

    def request(self, url: str, secret: str | None) -> Request:
        """Return the delivery, signed where there is a secret."""
        content = {"type": self.type, "timestamp": self.timestamp.isoformat(), "data": self.data}
        body = json.dumps(content, ensure_ascii=False, default=str, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "webhook-id": self.id}
        headers["webhook-timestamp"] = str(int(self.timestamp.timestamp()))
        if secret is not None:
            headers["webhook-signature"] = sign_webhook(secret, self.id, int(self.timestamp.timestamp()), body)
        return Request("POST", url, (), headers, body)
