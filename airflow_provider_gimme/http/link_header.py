"""The ``Link`` header of an answer (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

__all__ = ["Link", "parse_links", "related_link"]

_TARGET = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(
    r"\s*;\s*(?:(?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*"
    r"(?:=\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<token>[^\s;,\"]*)))?)?"
)
_ESCAPED = re.compile(r"\\(.)")
_TO_COMMA = re.compile(r"(?:[^,\"]|\"(?:[^\"\\]|\\.)*\"|\")*")


@dataclass(frozen=True)
class Link:
    """One link of the header."""

    target: str
    """As it stands there: absolute, or relative to where the answer came from."""
    relations: frozenset[str]
    """What it is to its context, in lower case."""
    anchor: str | None = None
    """Its context, where that is another one than the answer itself."""


def parse_links(header: str) -> tuple[Link, ...]:
    """Return the links of a header's value, several headers joined by commas (RFC 8288, 3 and appendix B.2).

    Of two ``rel`` at one link the first counts. What is not a link is left out up to the next comma.
    """
    return tuple(_links(header))


def related_link(header: str | None, relation: str, url: str) -> str | None:
    """Return the target of the first link with a relation (``next``), None where there is none.

    ``url`` is where the answer came from: a link that is anchored elsewhere is not one of the answer.
    """
    for link in parse_links(header or ""):
        if relation in link.relations and (link.anchor is None or urljoin(url, link.anchor) == url):
            return link.target
    return None


def _links(header: str) -> Iterator[Link]:
    place = 0
    while place < len(header):
        found = _TARGET.match(header, place)
        if found is not None:
            parameters: dict[str, str] = {}
            place = found.end()
            while parameter := _PARAMETER.match(header, place):
                place = parameter.end()
                if parameter["name"] is not None:
                    parameters.setdefault(parameter["name"].lower(), _value(parameter))
            yield Link(found[1].strip(), frozenset(parameters.get("rel", "").lower().split()), parameters.get("anchor"))
        rest = _TO_COMMA.match(header, place)
        place = (rest.end() if rest else place) + 1


def _value(parameter: re.Match[str]) -> str:
    quoted = parameter["quoted"]
    return parameter["token"] or "" if quoted is None else _ESCAPED.sub(r"\1", quoted)
