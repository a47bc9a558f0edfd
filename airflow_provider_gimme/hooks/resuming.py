"""Resume URLs: whoever has one may end one wait of one run, once. They are signed, not stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import NamedTuple

from airflow.configuration import conf

from airflow_provider_gimme.errors import StepError, TokenRefusedError

__all__ = ["Waiting", "read_token", "resume_url", "sign"]

_PATH = "/gimme/api/v1/resume/"
_LONGEST = 2_000


class Waiting(NamedTuple):
    """The step of a run that a token resumes."""

    dag_id: str
    run_id: str
    task_id: str


def resume_url(waiting: Waiting) -> tuple[str, str]:
    """Return the URL that resumes a step, and the token in it, which is a secret.

    :raises StepError: where the platform has not set what it needs.
    """
    base = conf.get("api", "base_url", fallback="")
    if not base:
        raise StepError("[api] base_url is empty: nobody could reach a resume URL. The platform sets it.")
    token = sign(waiting)
    return f"{base.rstrip('/')}{_PATH}{token}", token


def sign(waiting: Waiting) -> str:
    """Return the token of a step of a run: the same whenever it is made.

    :raises StepError: where ``[gimme] signing_key`` is empty.
    """
    payload = json.dumps(list(waiting), separators=(",", ":")).encode()
    return f"{_text(payload)}.{_text(_digest(payload))}"


def read_token(token: str) -> Waiting:
    """Return what a token resumes.

    :raises TokenRefusedError: where it is none of ours.
    """
    refused = TokenRefusedError("this is no resume token, or it was cut. Send to the URL as it was given.")
    head, dot, tail = token[:_LONGEST].partition(".")
    try:
        payload, digest = _bytes(head), _bytes(tail)
    except (binascii.Error, ValueError):
        raise refused from None
    if not dot or not hmac.compare_digest(digest, _digest(payload)):
        raise refused
    return Waiting(*json.loads(payload))


def _digest(payload: bytes) -> bytes:
    key = conf.get("gimme", "signing_key", fallback="")
    if not key:
        raise StepError(
            "[gimme] signing_key is empty: nothing can be signed. The platform sets it to a long random text."
        )
    return hmac.digest(key.encode(), b"gimme resume\n" + payload, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
