"""Signatures over a request by a shared secret (HMAC, RFC 2104): of parts you choose, or by Standard Webhooks.

What is signed, and each value that is sent, is a pattern (:mod:`.patterns`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from airflow_provider_gimme.errors import RequestError
from airflow_provider_gimme.http.auth import Auth, whole_body, with_header
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.patterns import SIGNATURE, split_pattern, used_parts
from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.http.targets import origin_of, quote_url

__all__ = ["HmacAuth", "StandardWebhooksAuth", "TimestampFormat", "sign_webhook"]

TimestampFormat = Literal["unix", "unix_ms", "iso", "iso_ms", "http_date"]

_PREFIX = "whsec_"
_WEBHOOK_ID = "webhook-id"


def _now() -> datetime:
    return datetime.now(UTC)


def _nonce() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, kw_only=True)
class HmacAuth(Auth):
    """Send a signature over parts of the request, and what a server needs to check it."""

    secret: str = field(repr=False)
    pattern: str
    """What is signed."""
    key_id: str = ""
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    secret_encoding: Literal["text", "base64", "hex"] = "text"  # noqa: S105 - no secret
    encoding: Literal["hex", "base64", "base64url"] = "hex"
    timestamp_format: TimestampFormat = "unix"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that are sent, each with its pattern; those without ``{signature}`` can be signed."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Parameters that are added to the query, each with its pattern; those without ``{signature}`` are signed."""
    now: Callable[[], datetime] = field(default=_now, repr=False, compare=False)
    nonce: Callable[[], str] = field(default=_nonce, repr=False, compare=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret."""
        return (self.secret,)

    @property
    def header_names(self) -> tuple[str, ...]:
        """The headers that are sent."""
        return tuple(self.headers)

    def sign(self, request: Request) -> Request:
        """Return the request with its signature, over what of it is sent.

        :raises RequestError: where the body is streamed and has to be signed, or the secret is not encoded as told.
        """
        return self._signed(request, None)

    def sketch(self, request: Request) -> Request:
        """Return the request with ``<signature>``."""
        return self._signed(request, "<signature>")

    def _signed(self, request: Request, signature: str | None) -> Request:
        moment = _write_moment(self.now(), self.timestamp_format)
        parts = {"timestamp": moment, "nonce": self.nonce(), "key_id": self.key_id}
        request = self._with(request, parts, signed=False)
        if signature is None:
            message = _fill(self.pattern, parts, request)
            signature = self._encode(hmac.digest(self._key(), message, self.algorithm))
        return self._with(request, {**parts, SIGNATURE: signature}, signed=True)

    def _with(self, request: Request, parts: Mapping[str, str], *, signed: bool) -> Request:
        """Return the request with those headers and parameters that have the signature in them, or have not."""
        for name, pattern in self.query.items():
            if (SIGNATURE in used_parts(pattern)) is signed:
                request = replace(request, query=(*request.query, (name, _fill(pattern, parts, request).decode())))
        for name, pattern in self.headers.items():
            if (SIGNATURE in used_parts(pattern)) is signed:
                request = with_header(request, name, _fill(pattern, parts, request).decode())
        return request

    def _key(self) -> bytes:
        return _decode_secret(self.secret, self.secret_encoding)

    def _encode(self, digest: bytes) -> str:
        if self.encoding == "hex":
            return digest.hex()
        return (base64.b64encode if self.encoding == "base64" else base64.urlsafe_b64encode)(digest).decode()


def _fill(pattern: str, parts: Mapping[str, str], request: Request) -> bytes:
    """Return a pattern with its parts in place; a header that is not there is empty."""
    found = split_pattern(pattern)
    pieces = [text.encode() for text in found]
    for index in range(1, len(found), 2):
        name = found[index]
        pieces[index] = parts[name].encode() if name in parts else _of_request(name, request)
    return b"".join(pieces)


def _of_request(name: str, request: Request) -> bytes:
    """Return a part of the request as it is sent."""
    if name.startswith("header:"):
        return (Headers(request.headers).get(name.partition(":")[2]) or "").encode()
    if name.startswith("body"):
        return _of_body(name, whole_body(request))
    url = quote_url(request.target)
    sent = urlsplit(url)
    path, query = sent.path or "/", sent.query
    texts = {
        "method": request.method,
        "host": str(origin_of(f"{sent.scheme}://{sent.netloc}")).partition("://")[2],
        "path": path,
        "query": query,
        "path_and_query": f"{path}?{query}" if query else path,
        "url": url,
    }
    return texts[name].encode()


def _of_body(name: str, body: bytes) -> bytes:
    if name == "body":
        return body
    if name == "body_md5":
        return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest())
    digest = hashlib.sha256(body)
    return digest.hexdigest().encode() if name == "body_sha256" else base64.b64encode(digest.digest())


def _write_moment(moment: datetime, form: TimestampFormat) -> str:
    """Write a moment that has a zone: seconds or milliseconds since 1970, ISO 8601 in UTC, or an HTTP-date."""
    moment = moment.astimezone(UTC)
    if form in {"unix", "unix_ms"}:
        return str(int(moment.timestamp() * (1 if form == "unix" else 1000)))
    if form == "http_date":
        from email.utils import format_datetime

        return format_datetime(moment, usegmt=True)
    precision = "seconds" if form == "iso" else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _decode_secret(secret: str, encoding: Literal["text", "base64", "hex"]) -> bytes:
    """Return the key that a secret stands for.

    :raises RequestError: where it is not encoded so; the secret is not told.
    """
    try:
        if encoding == "base64":
            return base64.b64decode(secret, validate=True)
        return bytes.fromhex(secret) if encoding == "hex" else secret.encode()
    except ValueError:
        pass
    raise RequestError(f"the secret of its signature is not {encoding}, as 'secret_encoding' says")


@dataclass(frozen=True, kw_only=True)
class StandardWebhooksAuth(Auth):
    """Sign by Standard Webhooks (standardwebhooks.com): ``webhook-id``, ``webhook-timestamp``, ``webhook-signature``.

    A ``webhook-id`` that the request has is kept; without one its idempotency key is the id, so that a repetition has
    the same id, and without that each attempt has a new one.
    """

    secret: str = field(repr=False)
    now: Callable[[], datetime] = field(default=_now, repr=False, compare=False)
    nonce: Callable[[], str] = field(default=_nonce, repr=False, compare=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret, also without its prefix."""
        return (self.secret, self.secret.removeprefix(_PREFIX))

    @property
    def header_names(self) -> tuple[str, ...]:
        """The two headers of the signature; the id is the request's."""
        return ("webhook-timestamp", "webhook-signature")

    def sign(self, request: Request) -> Request:
        """Return the request with the three headers.

        :raises RequestError: where its body is streamed.
        """
        headers = Headers(request.headers)
        key = headers.get("idempotency-key") or self.nonce()
        message_id = headers.get(_WEBHOOK_ID) or f"msg_{key}"
        timestamp = int(self.now().timestamp())
        signature = sign_webhook(self.secret, message_id, timestamp, whole_body(request))
        for name, value in ((_WEBHOOK_ID, message_id), ("webhook-timestamp", str(timestamp))):
            request = with_header(request, name, value)
        return with_header(request, "webhook-signature", signature)


def sign_webhook(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message: ``v1,`` and the Base64 of an HMAC-SHA256 (standardwebhooks.com).

    A secret is Base64, with or without the prefix ``whsec_``; one that is not Base64 is taken as it is.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digest = hmac.digest(_webhook_key(secret), signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def _webhook_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()
