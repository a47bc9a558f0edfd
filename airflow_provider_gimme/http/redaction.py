"""Hide secrets in what people and logs get to see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from airflow_provider_gimme.http.disguises import ODD, disguises, odd_disguises

__all__ = ["HIDDEN", "Redactor", "Shown"]

HIDDEN = "***"
"""What stands where a secret stood."""

_PRIVATE_WORDS = (
    r"authorization|cookie|password|passwd|secret|signature|credential|(?:api|access|auth|private|subscription)[-_]?key"
    r"|token(?!s)|session[-_]?id|jwt"
)
_PRIVATE_NAME = re.compile(_PRIVATE_WORDS, re.IGNORECASE)
_PRIVATE_PARAMETER = re.compile(rf"([?&;][^=&;#]*(?:{_PRIVATE_WORDS}|sig|key)=)[^&;#]*", re.IGNORECASE)
_PRIVATE_END = re.compile(rf"(?:{_PRIVATE_WORDS}|sig|key)$", re.IGNORECASE)
_PARAMETER_NAME = re.compile(r"[?&;]([^=&;#]*)=")
_USER = re.compile(r"(?<=//)[^/?#@]*@")


_SHORT_CHARACTERS = 500
_NOTHING = re.compile(r"(?!)")

_odd = lru_cache(maxsize=1024)(odd_disguises)


@lru_cache(maxsize=256)
def _is_private(parameter: str) -> bool:
    return _PRIVATE_END.search(parameter) is not None


class Redactor:
    """Hide the secrets it knows, as they are and as they look JSON-escaped, URL-quoted, HTML-escaped, in Base64 or hex.

    A known secret is hidden in any text. In URLs and headers, what by its name is private is hidden too.
    It may be asked and added to from more than one thread.
    """

    conceal: bool = False
    """Whether errors quote nothing of answers at all: those of a step whose output is sensitive."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self._patterns: tuple[re.Pattern[str], ...] = ()
        self._joined: tuple[tuple[re.Pattern[str], ...], re.Pattern[str]] = ((), _NOTHING)
        for secret in secrets:
            self.add(secret)

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._known)} secrets>"

    def add(self, secret: str) -> None:
        """Hide one more secret from now on; an empty one, or one of only ``*``, is no secret."""
        for text in {secret, secret.strip()} - self._known:
            if text.strip("*"):
                self._known |= {text}
                self._patterns += disguises(text)

    def redact(self, text: str) -> str:
        """Return the text with ``***`` in place of each secret."""
        if not self.hides(text):
            return text
        spans = sorted(found.span() for pattern in self._fitting(text) for found in pattern.finditer(text))
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            if start >= end:
                parts += (text[end:start], HIDDEN)
            end = max(end, stop)
        return "".join((*parts, text[end:]))

    def hides(self, text: str) -> bool:
        """Say whether a secret stands in the text."""
        if len(text) <= _SHORT_CHARACTERS and not ODD.search(text):
            return self._any().search(text) is not None
        return any(pattern.search(text) for pattern in self._fitting(text))

    def _any(self) -> re.Pattern[str]:
        """Return one pattern for all: quicker over a short text, such as a URL, and slower over a long one."""
        patterns, joined = self._joined
        if patterns is not self._patterns:
            patterns = self._patterns
            joined = re.compile("|".join(f"(?:{pattern.pattern})" for pattern in patterns))
            self._joined = (patterns, joined)
        return joined

    def _fitting(self, text: str) -> Iterable[re.Pattern[str]]:
        """Return the patterns that can match in the text at all."""
        if not ODD.search(text):
            return self._patterns
        return (*self._patterns, *(_odd(secret) for secret in self._known))

    def redact_url(self, url: str) -> str:
        """Return the URL without a user's name and password, private parameters (by their names) and secrets."""
        if "@" in url:
            url = _USER.sub(f"{HIDDEN}@", url)
        if any(map(_is_private, _PARAMETER_NAME.findall(url))):
            url = _PRIVATE_PARAMETER.sub(rf"\1{HIDDEN}", url)
        return self.redact(url)

    def redact_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with private ones (by their names) and secrets hidden."""
        return {name: HIDDEN if _PRIVATE_NAME.search(name) else self.redact(value) for name, value in headers.items()}


class Shown:
    """The method and the redacted URL of a request, for messages; redacted when somebody asks."""

    __slots__ = ("_redactor", "_target", "_url", "method")

    def __init__(self, method: str, target: str, redactor: Redactor) -> None:
        self.method = method
        self._target, self._redactor = target, redactor
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The redacted URL."""
        if self._url is None:
            self._url = self._redactor.redact_url(self._target)
        return self._url

    def __str__(self) -> str:
        return f"{self.method} {self.url}"
