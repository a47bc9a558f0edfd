"""The headers of an answer, and what may be sent as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

__all__ = ["Headers", "check_headers", "readable", "replace_header", "with_headers"]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNSHOWN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"})


class Headers(dict[str, str]):
    """Hold headers under lower-case names, found by a name in any case; equal names are joined by ``", "``.

    It is plain data: a map that can be written as JSON.
    """

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        joined: dict[str, str] = {}
        for name, value in headers.items() if isinstance(headers, Mapping) else headers:
            key = name.lower()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        super().__init__(joined)

    @classmethod
    def heard(cls, headers: Mapping[str, str]) -> Headers:
        """Take the headers of an answer, whose values become :func:`readable`."""
        together = "".join(headers.values())
        if not (together.isascii() and together.isprintable()):
            return cls([(name, readable(value)) for name, value in headers.items()])
        heard = cls.__new__(cls)
        heard.update([(name.lower(), value) for name, value in headers.items()])
        return heard if len(heard) == len(headers) else cls(headers.items())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """Return the value of a header, ``default`` where it is absent."""
        return dict.get(self, name.lower(), default)


def readable(value: str) -> str:
    """Return the value of an answer's header as text that can be kept and shown.

    What is not UTF-8 is Latin-1 (RFC 9110, 5.5), and a control character, which may not be there, becomes U+FFFD.
    """
    if value.isascii() and value.isprintable():
        return value
    if any("\udc80" <= character <= "\udcff" for character in value):
        value = value.encode("utf-8", "surrogateescape").decode("latin-1")
    return _UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", value)


def check_headers(headers: Mapping[str, str]) -> str | None:
    """Say why headers may not be sent, None where they may; a value is never told.

    A name is a token (RFC 9110, 5.1), a value has no control character but the tab (5.5), and what frames a message
    is the engine's own to say.
    """
    for name, value in headers.items():
        if reason := _check_name(name):
            return reason
        if not value.isprintable() and (found := _CONTROL.search(value)):
            place = "at its end; does the secret end with a line break?" if found.end() == len(value) else "in it"
            return f"the value of header '{name}' has a control character ({found[0]!r}) {place}"
    return None


@lru_cache(maxsize=256)
def _check_name(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return f"{name!r} is not a header's name: letters, digits and !#$%&'*+-.^_`|~ are"
    return f"the header '{name}' is set by the engine itself; leave it out" if name.lower() in _FRAMING else None


def with_headers(headers: Mapping[str, str], known: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers with all of ``known`` set."""
    for name, value in known.items():
        headers = replace_header(headers, name, value)
    return headers


def replace_header(headers: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """Return the headers with one of them set, whatever the case of the name it had."""
    lowered = name.lower()
    return {key: text for key, text in headers.items() if key.lower() != lowered} | {name: value}
