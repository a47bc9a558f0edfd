"""Where a call may go, with and without credentials, and where redirects and links lead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal
from urllib.parse import quote, unquote, urljoin, urlsplit

from airflow_provider_gimme.http.addresses import Addresses
from airflow_provider_gimme.http.headers import check_headers
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.request import Request

__all__ = ["MAX_REDIRECTS", "REDIRECTS", "Origin", "Targets", "Trust", "climbs", "origin_of", "quote_url"]

MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The statuses that say where else to look; any other 3xx is an answer."""

_MAX_LINK_CHARACTERS = 64 * 1024
"""A link that is longer comes from an answer that lies; no server takes it."""

_METHOD = re.compile(r"[A-Z][A-Z-]{0,19}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_SEPARATORS = re.compile(r"/|\\|%2f|%5c", re.IGNORECASE)
_AUTHORITY_END = re.compile(r"[/?#]")
_LEGAL = "%:/?#[]@!$&'()*+,;=~"
_QUOTED = re.compile(r"[A-Za-z0-9_.~:/?#\[\]@!$&'()*+,;=-]*")
"""A URL in which nothing has to be looked at, as most are."""
_PORTS = {"http": 80, "https": 443}
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})

Trust = Literal["own", "allowed", "other"]


@dataclass(frozen=True)
class Origin:
    """A scheme, a host and a port (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@lru_cache(maxsize=256)
def origin_of(authority: str) -> Origin:
    """Return the origin of ``scheme://host:port``, normalised.

    :raises ValueError: where it is none; the message says why and repeats no more than the host.
    """
    parts = urlsplit(authority)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise ValueError("a URL begins with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("a URL holds no user or password; write them as 'auth' of type 'basic'")
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else _ascii(host)
    if not _HOST.fullmatch(host):
        raise ValueError(f"'{host}' is not a host" if host else "the URL has no host")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the URL's port is not a number from 0 to 65535") from None
    return Origin(scheme, host, _PORTS[scheme] if port is None else port)


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host


def quote_url(url: str) -> str:
    """Percent-encode what may not stand in a URL, and nothing else: what is encoded stays; a host becomes ASCII."""
    if _QUOTED.fullmatch(url):
        return url
    if not url.isascii():
        scheme, mark, rest = url.partition("://")
        host = _AUTHORITY_END.split(rest, maxsplit=1)[0]
        url = f"{scheme}{mark}{_ascii(host)}{rest[len(host) :]}"
    return quote(_LONE_PERCENT.sub("%25", url), safe=_LEGAL)


@dataclass(frozen=True)
class Targets:
    """The origin that gets the credentials, and the hosts that may be called without."""

    own: Origin
    allow_hosts: frozenset[str]
    addresses: Addresses | None = None
    """Which addresses may not be called, None where that is not known yet: when a file is read."""

    @classmethod
    def of(cls, base_url: str, allow_hosts: Iterable[str], addresses: Addresses | None = None) -> Targets:
        """Take the origin of a base URL; a host is ``name`` (any port) or ``name:port``.

        :raises ValueError: where the base URL has no origin.
        """
        hosts = frozenset(host.lower().rstrip(".") for host in allow_hosts)
        return cls(origin_of(_authority(base_url)), hosts, addresses)

    def trust(self, url: str) -> Trust:
        """Say what the URL's origin is to us.

        :raises ValueError: where it has none.
        """
        origin = self._origin(url)
        if origin is self.own or origin == self.own:
            return "own"
        return "allowed" if self._allows(origin) else "other"

    def _origin(self, url: str) -> Origin:
        return self.own if url.startswith(self._home) else origin_of(_authority(url))

    @cached_property
    def _home(self) -> str:
        """What a URL of the base's own origin begins with, as such URLs are mostly written."""
        return f"{self.own}/"

    def _allows(self, origin: Origin) -> bool:
        return bool(self.allow_hosts) and bool({origin.host, f"{origin.host}:{origin.port}"} & self.allow_hosts)

    def refusal(self, request: Request) -> str | None:
        """Say why a request may not be sent, None where it may; without any secret."""
        if not _METHOD.fullmatch(request.method):
            return f"{request.method[:30]!r} is not a method: capital letters are, such as GET or POST"
        if not request.url.isprintable() and _CONTROL.search(request.url):
            return "the URL has a control character (a line break?)"
        try:
            origin = self._origin(request.url)
        except ValueError as error:
            return str(error)
        if reason := self._own_refusal if origin is self.own else self._refusal_of(origin):
            return reason
        if climbs(request.url):
            return "the path has a segment '..', which could leave the base's path; write the path without it"
        return check_headers(request.headers)

    @cached_property
    def _own_refusal(self) -> str | None:
        return self._refusal_of(self.own)

    def _refusal_of(self, origin: Origin) -> str | None:
        if origin != self.own and not self._allows(origin):
            return f"it goes to {origin}, but the base is {self.own}; list '{origin.host}' in 'allow_hosts' to allow it"
        return None if self.addresses is None else self.addresses.refusal_of_host(origin.host)

    def without_credentials(self, request: Request, redactor: Redactor, private: Iterable[str]) -> Request:
        """Return the request as another origin may get it: no credentials, no header that holds a secret."""
        dropped = _CREDENTIALS | {name.lower() for name in private}
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in dropped and not redactor.hides(value)
        }
        return replace(request, headers=headers)

    def redirect(
        self, request: Request, location: str | None, redactor: Redactor, *, foreign: bool
    ) -> tuple[Request, bool] | str:
        """Return the request that follows a redirect and whether it is without credentials, or why none does.

        ``foreign`` is whether ``request`` was already without: what has left the base's origin gets none again.
        """
        if request.method not in {"GET", "HEAD"}:
            return f"a redirect of {request.method} is not followed"
        if not location or _CONTROL.search(location):
            return "the redirect does not say where to"
        led = self._lead(request, request.target, location, redactor, foreign=foreign)
        return f"the redirect is not followed: {led}" if isinstance(led, str) else led

    def follow(self, request: Request, link: str, redactor: Redactor, *, source: str | None = None) -> Request | str:
        """Return the request for a link that an answer gave (to its next page, its job), or why there is none.

        ``request`` is the one that was answered, ``source`` the URL that the answer came from, after redirects
        (:attr:`Response.url`; default: the request's). The link is absolute or relative to ``source``, and its query
        takes the place of the request's; method and headers stay, and the body, within the base's origin.

        A link is refused where a call may not go: to a host that is not allowed, from https to http, with a secret in
        it to another host; and from another host back to the base's, which would get the credentials at a place that
        a stranger chose. Whatever :meth:`Client.send` gets goes without credentials to another origin.
        """
        if not link or _CONTROL.search(link):
            return "the link is not followed: it is empty or has a control character (a line break?)"
        source = source or request.target
        stranger = self.trust(source) != "own"
        led = self._lead(request, source, link, redactor, foreign=stranger)
        if isinstance(led, str):
            return f"the link is not followed: {led}"
        if stranger and self.trust(led[0].url) == "own":
            return (
                f"the link is not followed: {origin_of(_authority(source))} may not send a call back to {self.own}, "
                "which gets the credentials; call it in a step of its own"
            )
        return led[0]

    def _lead(
        self, request: Request, source: str, link: str, redactor: Redactor, *, foreign: bool
    ) -> tuple[Request, bool] | str:
        """Return the request for where a link leads and whether it is without credentials, or why there is none."""
        if len(link) > _MAX_LINK_CHARACTERS:
            return f"it is {len(link):,} characters long"
        try:
            url = urljoin(source, quote_url(link)).partition("#")[0]
        except ValueError:
            return "it does not lead to a URL"
        if reason := self.refusal(Request(request.method, url)):
            return reason
        foreign = foreign or self.trust(url) != "own"
        if self.own.scheme == "https" and not url.lower().startswith("https:"):
            return "it leads from https to http"
        if foreign and redactor.hides(url):
            return "it would carry a secret to another host"
        return replace(request, url=url, query=(), body=None if foreign else request.body), foreign


def climbs(url: str) -> bool:
    """Say whether the path has a segment ``..``, percent-encoded or not, also behind an encoded slash."""
    if ".." not in url and "%2" not in url:
        return False
    path = urlsplit(url).path
    return ".." in unquote(path) and any(unquote(segment) == ".." for segment in _SEPARATORS.split(path))


def _authority(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
