"""Connections that are refused, cut, or silent, and what is not HTTP at all."""

from __future__ import annotations

from collections.abc import Iterable

from tests.misbehaviours.row import Row
from tests.misbehaviours.wire import Turn, answer, head, in_pieces, ok
from tests.standins.raw import Act, Part

__all__ = ["CONNECTIONS"]

SHORT = {"timeout": "250ms", "limit": 1}
"""Attempts of a quarter of a second, so that silence is met soon."""


def trickle_head(turn: Turn) -> Iterable[Part]:
    """Say the head byte by byte."""
    return in_pieces(head(200, len(turn.body)), 0.05)


def trickle_body(turn: Turn) -> Iterable[Part]:
    """Say the head at once, and the body byte by byte."""
    return [head(200, len(turn.body)), *in_pieces(turn.body, 0.05)]


CONNECTIONS: tuple[Row, ...] = (
    Row(
        "refuses-connections",
        "takes no connection: nobody listens",
        ok(),
        calls=0,
        error="connect",
        reads="cannot connect to 127.0.0.1:…: Connection refused",
        listens=False,
    ),
    Row(
        "resets-the-connection",
        "gets the request and resets the connection",
        lambda _: [Act.RESET],
        times=1,
        calls=2,
        reads="→ no answer …: the server closed the connection; nothing was answered; tried again in … (connection)",
    ),
    Row(
        "closes-without-an-answer",
        "gets the request and closes the connection",
        lambda _: [Act.CLOSE],
        calls=3,
        error="connect",
        reads="the server closed the connection; nothing was answered",
    ),
    Row(
        "closes-in-its-headers",
        "closes the connection in the middle of the headers",
        lambda turn: [head(200, len(turn.body))[:30], Act.CLOSE],
        times=1,
        calls=2,
        reads="→ no answer …: the server closed the connection; nothing was answered; tried again in … (connection)",
    ),
    Row(
        "closes-kept-connections",
        "says that it keeps the connection, and closes it after each answer",
        ok(),
        calls=1,
        reads="→ 200 in",
        closes=True,
    ),
    Row(
        "hangs",
        "gets the request and says nothing",
        lambda _: [Act.HANG],
        calls=2,
        error="timeout",
        reads="no complete answer within 250 ms (…); nothing was answered",
        retry=SHORT,
    ),
    Row(
        "trickles-its-headers",
        "sends the headers byte by byte, and would take for ever",
        trickle_head,
        calls=2,
        error="timeout",
        reads="no complete answer within 250 ms (…); nothing was answered",
        retry=SHORT,
    ),
    Row(
        "trickles-its-body",
        "sends the body byte by byte, and would take for ever",
        trickle_body,
        calls=2,
        error="timeout",
        reads="no complete answer within 250 ms (…); answered 200, … bytes of its body were read",
        retry=SHORT,
    ),
    Row(
        "speaks-something-else",
        "answers with bytes that are not HTTP",
        lambda _: [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Act.CLOSE],
        calls=3,
        error="connect",
        reads="the answer is not HTTP",
    ),
    Row(
        "sends-huge-headers",
        "sends a header of 20 kB",
        answer(200, b"{}", X_Much="x" * 20_000),
        calls=3,
        error="connect",
        reads="its headers are too large: one line has more than 16,384 bytes",
    ),
    Row(
        "has-a-wrong-certificate",
        "sends the call on, by a redirect, to a host of `allow_hosts` whose certificate nobody vouches for",
        lambda turn: [head(302, 0, Location=turn.untrusted)],
        calls=1,
        error="connect",
        reads="the server's certificate is not trusted: …; correct the host's name, or … (SSL_CERT_FILE)",
    ),
)
