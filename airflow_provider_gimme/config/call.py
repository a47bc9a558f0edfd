"""What may be said of a call: the keys that every step with a call has, and each of its fallbacks."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.expect import Expect
from airflow_provider_gimme.config.retry import Retry
from airflow_provider_gimme.config.scalars import Limit, Name, Text

__all__ = ["Call", "ContentType", "Idempotency", "Method"]

_BODY_KEYS = frozenset({"payload", "payload_template", "input_map"})

Method = Annotated[
    Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], Field(description="An HTTP method (RFC 9110).")
]
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;\s*[\w-]+=[\w.\"+-]+)*")


def _check_content_type(value: str) -> str:
    if value not in {"json", "form", "multipart", "text", "binary"} and not _MIME_TYPE.fullmatch(value):
        raise ValueError(
            "not a content type. Write json, form, multipart, text, binary or a MIME type like application/xml."
        )
    return value


ContentType = Annotated[Text, AfterValidator(_check_content_type)]


class Idempotency(Config):
    """Say how the key that makes a call safe to repeat is sent, and whether the server honours it."""

    header: Text | None = None
    """The header that carries the key; ``Idempotency-Key`` if neither ``header`` nor ``body`` is written."""
    body: Text | None = None
    """The member of a JSON body that carries the key."""
    key: Text | None = None
    """A template for a key of your own."""
    supported: bool = False
    """The server promises to process a key once, so POST and PATCH may be retried after any failure."""


class Call(Config):
    """One HTTP call."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"payload", "payload_template", "input_map"}),
        frozenset({"response_transform", "output_map"}),
    )

    service: Name | None = None
    """One of the workflow's ``services``, or the id of an Airflow HTTP connection."""
    endpoint: Text = ""
    """The path under the base; ``{name}`` and templates are percent-encoded."""
    method: Method | None = None
    """GET, or POST where there is a ``payload`` or an ``input_map``."""
    query: dict[str, Any] | None = None
    """The query's parameters; a list repeats the name."""
    headers: dict[str, Text] | None = None
    """Headers of this call."""
    payload: Any = None
    """The body as a structure; strings are templates, a lone one keeps its type."""
    payload_template: Text | None = None
    """The body as a text template; in JSON, values are escaped by where they stand."""
    input_map: Any = None
    """The body (for GET and DELETE the query) as a structure of constants and ``$.`` paths."""
    content_type: ContentType = "json"
    """``json``, ``form``, ``multipart``, ``text``, ``binary`` or a MIME type."""
    retry: Retry | None = None
    """When the call is tried again."""
    idempotency: Idempotency | Literal["supported", False] | None = None
    """The key that makes the call safe to repeat; ``supported`` says the server honours it, ``false`` sends none."""
    expect: Expect = Expect.model_construct()
    """Which answers are good."""
    response_transform: Any = None
    """What becomes the output: a template or an expression over ``response``."""
    output_map: dict[str, Any] | None = None
    """What becomes the output: name to ``$.`` path over the answer's body."""
    save_to: Text | None = None
    """A path under the site's storage that the answer's body is streamed to; the output is a reference to it."""
    read_timeout: Limit | None = None
    """How long a body may be silent between two pieces, or two events of a stream; 60 s if nothing is written."""

    @field_validator("method", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def verb(self) -> str:
        """The method, written or by default."""
        return self.method or ("GET" if _BODY_KEYS.isdisjoint(self.model_fields_set) else "POST")
