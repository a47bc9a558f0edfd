"""Links in the header of an answer, as RFC 8288 writes them and as servers do."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.http.link_header import Link, parse_links, related_link

HERE = "https://api.example/repos?page=2"


@pytest.mark.parametrize(
    "header, links",
    [
        # RFC 8288, section 3.5
        (
            '<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter"',
            [("http://example.com/TheBook/chapter2", {"previous"})],
        ),
        ('</>; rel="http://example.net/foo"', [("/", {"http://example.net/foo"})]),
        ('</terms>; rel="copyright"; anchor="#foo"', [("/terms", {"copyright"})]),
        (
            "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes, "  # noqa: ISC004 - one header
            "</TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel",
            [("/TheBook/chapter2", {"previous"}), ("/TheBook/chapter4", {"next"})],
        ),
        (
            '<http://example.org/>; rel="start http://example.net/relation/other"',
            [("http://example.org/", {"start", "http://example.net/relation/other"})],
        ),
        (
            '<https://example.org/>; rel="start", <https://example.org/index>; rel="index"',
            [("https://example.org/", {"start"}), ("https://example.org/index", {"index"})],
        ),
        # as servers write them
        (
            '<https://api.github.com/x?page=1>; rel="prev", <https://api.github.com/x?page=3>; rel="next"',
            [("https://api.github.com/x?page=1", {"prev"}), ("https://api.github.com/x?page=3", {"next"})],
        ),
        ("<?page=3>; rel=next", [("?page=3", {"next"})]),
        ("<?page=3>;REL=NEXT", [("?page=3", {"next"})]),
        ("<?page=3> ; rel = next ;", [("?page=3", {"next"})]),
        ('<?a=1,2;3>; title="a, \\"b\\"; c"; rel="next"', [("?a=1,2;3", {"next"})]),
        ('<?a>; rel="last"; rel="next"', [("?a", {"last"})]),
        ("<?a>", [("?a", set())]),
        ("<?a>; rel", [("?a", set())]),
        (", ,<?a>; rel=next,,", [("?a", {"next"})]),
        # not as it should be
        ("", []),
        ("next", []),
        ("<?a; rel=next", []),
        ('nonsense; rel="x, y", <?b>; rel=next', [("?b", {"next"})]),
        ('<?a>; title="open, <?b>; rel=next', [("?a", set()), ("?b", {"next"})]),
    ],
)
def test_links_are_read(header: str, links: list[tuple[str, set[str]]]) -> None:
    """Targets and relations are those of the header, in its order; what is no link is left out."""
    assert [(link.target, set(link.relations)) for link in parse_links(header)] == links


def test_an_anchor_is_kept() -> None:
    """A link can have another context than the answer."""
    assert parse_links('</terms>; rel="copyright"; anchor="#foo"') == (
        Link("/terms", frozenset({"copyright"}), "#foo"),
    )


@pytest.mark.parametrize(
    "header, target",
    [
        (None, None),
        ("<?page=1>; rel=prev", None),
        ('<?page=3>; rel="last next", <?page=4>; rel=next', "?page=3"),
        ('<?page=9>; rel=next; anchor="/other", <?page=3>; rel=next', "?page=3"),
        ('<?page=3>; rel=next; anchor="?page=2"', "?page=3"),
        ("<>; rel=next", ""),
    ],
)
def test_the_next_link_is_the_first_of_the_answer_itself(header: str | None, target: str | None) -> None:
    """Of several the first counts; one that is anchored at another document is not ours."""
    assert related_link(header, "next", HERE) == target


def test_a_long_header_is_read_quickly() -> None:
    """What a server makes up costs no more than its length."""
    for part in ("<", '"', "<>;", "; a=", '<a>; b="', "\\"):
        assert isinstance(parse_links(part * 20_000), tuple)
