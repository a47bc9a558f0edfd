"""Credentials that sign each request: by a secret that is shared, or as AWS wants it."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator, model_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import SecretText, Text
from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.http.patterns import PARTS, SIGNATURE, unknown_parts, used_parts

__all__ = ["AwsSigV4Auth", "HmacAuth"]

_SENT = (("timestamp", "timestamp_header"), ("nonce", "nonce_header"))


class HmacAuth(Config):
    """Sign each request by a shared secret (HMAC): parts of your choice, or by a ``preset``."""

    type: Literal["hmac"]
    secret: SecretText
    """The shared secret, as ``${NAME}``."""
    preset: Literal["standard_webhooks"] | None = None
    """A known way to sign, in place of all other keys but ``secret``."""
    sign: Text | None = None
    """What is signed: text with parts in it, ``v0:{timestamp}:{body}``."""
    key_id: Text | None = None
    """The key's name, the part ``{key_id}``."""
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    """The hash of the HMAC."""
    secret_encoding: Literal["text", "base64", "hex"] = "text"  # noqa: S105 - no secret
    """How the secret is written; its bytes are the key."""
    encoding: Literal["hex", "base64", "base64url"] = "hex"
    """How the signature is written."""
    header: Text | None = None
    """The header that carries the signature; ``X-Signature`` where ``query`` does not carry it."""
    format: Text = "{signature}"
    """The value of ``header``: ``sha256={signature}``."""
    timestamp_header: Text | None = None
    """The header that carries ``{timestamp}``."""
    timestamp_format: Literal["unix", "unix_ms", "iso", "iso_ms", "http_date"] = "unix"
    """Seconds or milliseconds since 1970, ISO 8601 in UTC, or the date of HTTP's own headers."""
    nonce_header: Text | None = None
    """The header that carries ``{nonce}``, 32 random characters, new for each attempt."""
    key_id_header: Text | None = None
    """The header that carries ``{key_id}``."""
    query: dict[str, Text] | None = None
    """Parameters that are added to the query: name to text with parts; those with ``{signature}`` come last."""

    @field_validator("sign")
    @classmethod
    def _check_signed(cls, text: str | None) -> str | None:
        if text is not None and not text:
            raise ValueError("nothing is signed. Write parts, such as '{timestamp}.{body}'.")
        _check_parts(text or "")
        return text

    @field_validator("format")
    @classmethod
    def _check_format(cls, text: str) -> str:
        _check_parts(text, SIGNATURE)
        if SIGNATURE not in used_parts(text):
            raise ValueError("the signature is not in it. Write '{signature}' where it belongs.")
        return text

    @field_validator("query")
    @classmethod
    def _check_query(cls, query: dict[str, str] | None) -> dict[str, str] | None:
        for text in (query or {}).values():
            _check_parts(text, SIGNATURE)
        return query

    @model_validator(mode="after")
    def _complete(self) -> HmacAuth:
        if self.preset is not None:
            fields = type(self).model_fields
            written = self.model_fields_set - {"type", "secret", "preset"}
            if more := sorted(name for name in written if getattr(self, name) != fields[name].default):
                raise ValueError(f"'preset' says all but the secret. Remove {', '.join(map(repr, more))}, or 'preset'.")
            return self
        if self.sign is None:
            raise ValueError("what is signed? Write 'sign', such as '{timestamp}.{body}', or a 'preset'.")
        self._check_sent()
        return self

    def _check_sent(self) -> None:
        """Refuse what is signed and not sent, so that no server could check it."""
        sent = used_parts(" ".join((self.format, *(self.query or {}).values())))
        for part, header in _SENT:
            if part in used_parts(self.sign or "") and part not in sent and getattr(self, header) is None:
                raise ValueError(f"'{{{part}}}' is signed and not sent. Write '{header}', or put it into 'format'.")
        used = used_parts(f"{self.sign}{self.format}{' '.join((self.query or {}).values())}")
        if self.key_id is None and ("key_id" in used or self.key_id_header is not None):
            raise ValueError("there is no key_id. Write 'key_id'.")


class AwsSigV4Auth(Config):
    """Sign each request for an AWS service (Signature Version 4); needs the extra ``aws``."""

    type: Literal["aws_sigv4"]
    region: Text
    """The region, ``eu-central-1``."""
    service: Text
    """The service's name in signatures: ``execute-api``, ``s3``, ``es``, ``bedrock``."""
    access_key: Text
    """The id of the access key."""
    secret_key: SecretText
    """The secret access key, as ``${NAME}``."""
    session_token: SecretText | None = None
    """The token of temporary credentials, as ``${NAME}``."""


def _check_parts(text: str, *more: str) -> None:
    for name in unknown_parts(text, *more):
        known = (*PARTS, *more)
        near = did_you_mean(name, known) or f" Parts: {', '.join(known)} and header:NAME."
        raise ValueError(f"unknown part '{{{name}}}'.{near}")
