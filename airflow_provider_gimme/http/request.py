"""One request and its answer, as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Never
from urllib.parse import quote

from airflow_provider_gimme.errors import BodyError
from airflow_provider_gimme.http.content_type import ContentType, content_type_of
from airflow_provider_gimme.http.events import EVENTS, LINES, read_events, read_lines
from airflow_provider_gimme.http.headers import Headers
from airflow_provider_gimme.http.json_text import read_json
from airflow_provider_gimme.http.multipart import Content
from airflow_provider_gimme.http.redaction import Shown

__all__ = ["Request", "Response"]

_BYTE_ORDER_MARK = "\ufeff"
_AUTHORITY_END = re.compile(r"[/?#]")


@dataclass(frozen=True, repr=False)
class Request:
    """What is to be sent, all but its credentials."""

    method: str
    url: str
    """Absolute; it may have a query of its own."""
    query: tuple[tuple[str, str], ...] = ()
    """Names and values, not yet percent-encoded; a name may stand more than once."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Content | None = None
    """Bytes encoded as the ``Content-Type`` says, or parts and files, which are read anew at each attempt."""

    def __repr__(self) -> str:
        host = _AUTHORITY_END.split(self.url.partition("//")[2], maxsplit=1)[0].rpartition("@")[2]
        return f"<Request {self.method} {host}>"

    def with_headers(self, headers: Mapping[str, str]) -> Request:
        """Return the request with other headers; the URL that was made of it is not made again."""
        made = Request(self.method, self.url, self.query, headers, self.body)
        if "_target" in self.__dict__:
            made.__dict__["_target"] = self.target
        return made

    @property
    def target(self) -> str:
        """The URL with the whole query; names and values are percent-encoded, a space as ``%20``."""
        made: str | None = self.__dict__.get("_target")  # not by cached_property, whose lock takes longer than the URL
        if made is None:
            made = self.__dict__["_target"] = self._whole_url()
        return made

    def _whole_url(self) -> str:
        url = self.url.partition("#")[0]
        if not self.query:
            return url
        query = "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in self.query])
        separator = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
        return f"{url}{separator}{query}"


def _quoted(text: str) -> str:
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


@dataclass(frozen=True, repr=False)
class Response:
    """What was answered, read to its end."""

    status: int
    headers: Headers
    """By name in any case."""
    body: bytes
    """Decompressed."""
    url: str
    """Where the answer came from, after redirects; it can hold secrets of the path or the query."""
    elapsed: timedelta
    """From the start of the attempt to the end of the body."""
    shown: str | Shown = ""
    """The method and the redacted URL, for messages."""
    saved_bytes: int | None = None
    """How many bytes went into a sink, decompressed; ``body`` is empty then. None where the body was kept."""
    reference: Mapping[str, Any] | None = None
    """What stands for a body that was saved."""

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.shown}>"

    @property
    def media_type(self) -> str:
        """The type of the body, lower-case, without parameters; empty where the answer does not say."""
        return self._type.media_type

    @property
    def _type(self) -> ContentType:
        return content_type_of(dict.get(self.headers, "content-type", ""))

    def text(self) -> str:
        """Return the body as text: in the charset it names, else UTF-8, else (of a ``text`` type) Latin-1.

        :raises BodyError: where it is not text.
        """
        kind = self._type
        text = self._decode(kind.charsets)
        if text is None and (kind.is_json or kind.names_charset):
            charset = kind.charsets[0].upper()
            self._refuse(f"says that it is text in {charset} and is not; its server sends another charset, or cuts it")
        if text is None or "\0" in text:
            self._refuse(
                "is binary, and an output is JSON or text; write 'save_to' to keep it as a file, or ask the API for "
                "another format (header 'Accept')"
            )
        return text

    def json(self) -> Any:
        """Return the body as JSON (RFC 8259: no ``NaN``).

        :raises BodyError: where it is not JSON.
        """
        try:
            return read_json(self.text())
        except ValueError as error:
            if isinstance(error, BodyError):
                raise
            reason = str(error)
        return self._refuse(
            f"says that it is JSON and is not ({reason})" if self._type.is_json else f"is not JSON: {reason}"
        )

    def data(self) -> Any:
        """Return the body as what it is.

        That is the reference to it where it was saved, null if it is empty, JSON if it says so or looks so, a list of
        events or of a line's values each where it is a stream of them, else text.

        It is read once, and the same value each time: for who changes it to copy.

        :raises BodyError: where it is binary, or says that it is JSON and is not.
        """
        if "_data" not in self.__dict__:
            self.__dict__["_data"] = self._read()
        return self.__dict__["_data"]

    def _read(self) -> Any:
        if self.reference is not None:
            return dict(self.reference)
        kind = self._type
        if kind.media_type == EVENTS:
            return read_events(self.text())
        if kind.media_type in LINES:
            return self._lines()
        if not self.body or self.body.isspace():
            return None
        if kind.is_json:
            return self.json()
        text = self.text()
        if not text.lstrip().startswith(("{", "[")):
            return text
        try:
            return self.json()
        except BodyError:
            return text

    def plain(self) -> dict[str, Any]:
        """Return what an expression sees as ``response``: ``status``, ``headers`` (names in any case), ``body``.

        :raises BodyError: as :meth:`data`.
        """
        return {"status": self.status, "headers": self.headers, "body": self.data()}

    def _lines(self) -> list[Any]:
        try:
            return read_lines(self.text())
        except ValueError as error:
            if isinstance(error, BodyError):
                raise
            reason = str(error)
        return self._refuse(f"says that it is JSON line by line and is not ({reason})")

    def _decode(self, charsets: Iterable[str]) -> str | None:
        for charset in charsets:
            try:
                return self.body.decode(charset).removeprefix(_BYTE_ORDER_MARK)
            except (LookupError, UnicodeError):
                continue
        return None

    def _refuse(self, reason: str) -> Never:
        kind = self.media_type or "no type given"
        method, _, url = str(self.shown).partition(" ")
        where = f"{self.shown}: " if self.shown else ""
        raise BodyError(
            f"{where}the body of status {self.status} ({kind}, {len(self.body):,} bytes) {reason}",
            method=method,
            url=url,
            elapsed=self.elapsed,
        )
