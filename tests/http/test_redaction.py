"""A secret is hidden wherever it stands, in whatever form."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from airflow_provider_gimme.http import Redactor

ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "json, not ascii": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "json with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json with escaped slashes in json": lambda text: json.dumps(json.dumps(text)[1:-1].replace("/", "\\/"))[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "quoted": lambda text: quote(text, safe=""),
    "quoted, small letters": lambda text: quote(text, safe="").replace("%2F", "%2f").replace("%3A", "%3a"),
    "quoted, path": quote,
    "quoted, form": quote_plus,
    "quoted twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every character quoted": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "every character escaped": lambda text: "".join(
        json.dumps(chr(0x100) + c)[7:-1] if ord(c) > 126 else f"\\u{ord(c):04x}" for c in text
    ),
    "html": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64, quoted": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "hex": lambda text: text.encode().hex(),
    "hex, capitals": lambda text: text.encode().hex().upper(),
}
# Letters that stand neither in the hidden mark nor in the text around a secret.
SECRETS = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=4, max_size=30).filter(
    lambda text: text == text.strip()
)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(secret=SECRETS, before=st.text(max_size=8), after=st.text(max_size=8))
@example(secret='a"\\/\n b', before="", after="")
@example(secret="é+ü/&=", before="Bearer ", after=",")
def test_a_secret_is_hidden_wherever_it_stands(encoding: str, secret: str, before: str, after: str) -> None:
    """Whatever stands around it, and in every form that an encoder gives it."""
    seen = ENCODINGS[encoding](secret)
    assume(seen not in before + after)
    shown = Redactor([secret]).redact(f"{before} {seen} {after}")
    assert seen not in shown
    assert "***" in shown


@given(
    secret=st.text("abcdefghijkl0123456789+/-_é", min_size=8, max_size=40),
    before=st.binary(max_size=9),
    after=st.binary(max_size=9),
)
def test_a_secret_inside_of_a_base64_text_is_hidden(secret: str, before: bytes, after: bytes) -> None:
    """As in the credentials of Basic: with anything before and after it."""
    coded = base64.b64encode(before + secret.encode() + after).decode()
    shown = Redactor([secret]).redact(f"Basic {coded}")
    assert "***" in shown
    for part in shown.removeprefix("Basic ").split("***"):
        kept = part.rstrip("=")[: len(part.rstrip("=")) // 4 * 4]
        assert secret.encode() not in base64.b64decode(kept)


@given(st.lists(SECRETS, max_size=4), st.text(max_size=60))
def test_a_text_without_secrets_stays_as_it_is(secrets: list[str], text: str) -> None:
    """Redaction changes nothing but secrets, and doing it twice nothing more."""
    redactor = Redactor(secrets)
    if not redactor.hides(text):
        assert redactor.redact(text) == text
    assume(not redactor.hides("***"))
    assert redactor.hides(text) == (redactor.redact(text) != text)


def test_secrets_that_overlap_are_hidden_as_one() -> None:
    """No end of the one shows beside the other."""
    assert Redactor(["abcde", "defgh", "cd"]).redact("1abcdefgh2 cd") == "1***2 ***"


def test_a_secret_with_a_line_break_is_hidden_without_it_too() -> None:
    """The most common broken secret is known by what a person would see of it."""
    assert Redactor(["s3cr3t\n"]).redact("x s3cr3t x") == "x *** x"


@pytest.mark.parametrize("secret", ["", " ", "***"])
def test_nothing_is_no_secret(secret: str) -> None:
    """An empty secret hides nothing."""
    assert Redactor([secret.strip()]).redact("a *** b") == "a *** b"


def test_a_short_secret_in_base64_is_hidden_as_a_word() -> None:
    """A short one is not looked for in the middle of other words."""
    assert Redactor(["ab"]).redact("YWI= xYWIx YWI") == "*** xYWIx ***"


def test_secrets_may_be_added_later() -> None:
    """From then on they are hidden."""
    redactor = Redactor()
    assert redactor.redact("s3cr3t") == "s3cr3t"
    redactor.add("s3cr3t")
    redactor.add("s3cr3t")
    assert redactor.redact("s3cr3t") == "***"
    assert repr(redactor) == "<Redactor of 1 secrets>"


@pytest.mark.parametrize("url,shown", [
    ("https://ann:pw@h/x", "https://***@h/x"),
    ("https://h/x?api_key=abc&a=1", "https://h/x?api_key=***&a=1"),
    ("https://h/x?a=1&X-Amz-Signature=abc;access_token=d#e", "https://h/x?a=1&X-Amz-Signature=***;access_token=***#e"),
    ("https://h/x?sig=abc&key=d&max_tokens=5", "https://h/x?sig=***&key=***&max_tokens=5"),
    ("https://h/s3cr3t/x?q=s3cr3t", "https://h/***/x?q=***"),
    ("https://h/x?email=a@b.c", "https://h/x?email=a@b.c"),
])  # fmt: skip
def test_a_url_is_shown_without_what_is_private(url: str, shown: str) -> None:
    """A user, parameters that are private by their names, and known secrets are hidden; the rest stays."""
    assert Redactor(["s3cr3t"]).redact_url(url) == shown


def test_headers_are_shown_without_what_is_private() -> None:
    """By their names or by what is in them."""
    headers = {
        "Authorization": "Basic x",
        "Set-Cookie": "a=b",
        "X-Auth-Token": "x",
        "x-api-key": "x",
        "X-RateLimit-Remaining-Tokens": "7",
        "Idempotency-Key": "k",
        "X-Other": "a s3cr3t",
    }
    shown = Redactor(["s3cr3t"]).redact_headers(headers)
    assert list(shown) == list(headers)
    assert list(shown.values()) == ["***", "***", "***", "***", "7", "k", "a ***"]


@given(
    secret=st.text("abcdefghijklmnop0123456789-_.~ +/é&?#=%", min_size=5, max_size=24).filter(lambda t: t == t.strip()),
    name=st.sampled_from(["q", "page", "X-Note", "next"]),
)
@example(secret="a b&c", name="q")
def test_a_secret_is_hidden_in_a_url_and_in_headers(secret: str, name: str) -> None:
    """In path, query and value, however it had to be written there."""
    redactor = Redactor([secret])
    quoted, form = quote(secret, safe=""), quote_plus(secret)
    url = redactor.redact_url(f"https://h.example/{quoted}/x?{name}={form}&z=1")
    assert (quoted in url, form in url, url.count("***")) == (False, False, 2)
    assert url.startswith("https://h.example/***")
    assert url.endswith("&z=1")
    coded = base64.b64encode(f"ann:{secret}".encode()).decode()
    shown = redactor.redact_headers({name: f"<{secret}> {quoted}", "Link": f"<https://h/?{name}={form}>", "X-B": coded})
    assert shown[name].count("***") == 2
    assert not redactor.hides(" ".join(shown.values()))
    assert (secret in str(shown), "***" in shown["X-B"]) == (False, True)
