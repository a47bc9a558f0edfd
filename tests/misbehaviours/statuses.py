"""Statuses that are not the expected one, what they ask for, and redirects."""

from __future__ import annotations

from collections.abc import Iterable

from tests.misbehaviours.row import Row
from tests.misbehaviours.wire import Turn, answer, error, head, ok
from tests.standins.raw import Part

__all__ = ["STATUSES"]

HTML = b"<html><body><h1>502 Bad Gateway</h1>nginx</body></html>"


def moved(turn: Turn) -> Iterable[Part]:
    """Send the caller to another path, and answer there."""
    if turn.path.endswith("/moved"):
        return ok()(turn)
    return [head(301, 0, Location=f"{turn.path}/moved?cursor=b")]


STATUSES: tuple[Row, ...] = (
    Row(
        "fails-once",
        "answers 500, then as it should",
        error(500, "try me again"),
        times=1,
        calls=2,
        reads="→ 500 …; tried again",
    ),
    Row(
        "fails-twice",
        "answers 500 twice, then as it should",
        error(500, "no"),
        times=2,
        calls=3,
        reads="→ 500 …; tried again",
    ),
    Row(
        "fails-always",
        "answers 500 at every attempt",
        error(500, "the disk is full"),
        calls=3,
        error="status",
        reads='answered 500 (Internal Server Error): {"error": {"message": "the disk is full"}}',
    ),
    Row(
        "is-behind-a-broken-proxy",
        "answers 502 with a page of HTML",
        answer(502, HTML, "text/html"),
        calls=3,
        error="status",
        reads="answered 502 (Bad Gateway): <html><body><h1>502 Bad Gateway</h1>nginx</body></html>",
    ),
    Row(
        "asks-to-wait-seconds",
        "answers 503 with `Retry-After: 1`",
        error(503, "busy", Retry_After="1"),
        times=1,
        calls=2,
        waits=1,
        reads="→ 503 …; tried again in … (status 503; the server asks to wait 1 s)",
    ),
    Row(
        "asks-to-wait-for-a-date",
        "answers 503 with a date in `Retry-After`",
        error(503, "busy", Date="now+0", Retry_After="now+1"),
        times=1,
        calls=2,
        waits=1,
        reads="→ 503 …; tried again in … (status 503; the server asks to wait 1 s)",
    ),
    Row(
        "asks-to-wait-too-long",
        "answers 503 with `Retry-After: 172800`, more than `max_wait`",
        error(503, "closed", Retry_After="172800"),
        calls=1,
        error="status",
        reads="→ 503 …; not tried again (the server asks to wait 2 d, more than 'max_wait' 1 h)",
    ),
    Row(
        "asks-to-wait-nonsense",
        "answers 503 with `Retry-After: soon`",
        error(503, "busy", Retry_After="soon"),
        times=1,
        calls=2,
        reads="→ 503 …; tried again",
    ),
    Row(
        "limits-for-seconds",
        "answers 429 with `RateLimit-Reset: 1`",
        error(429, "slow down", RateLimit_Remaining="0", RateLimit_Reset="1"),
        times=1,
        calls=2,
        waits=1,
        reads="→ 429 …; tried again in … (status 429; the server asks to wait 1 s)",
    ),
    Row(
        "limits-until-a-moment",
        "answers 429 with seconds since 1970 in `X-RateLimit-Reset`",
        error(429, "slow down", Date="now+0", X_RateLimit_Reset="epoch+1"),
        times=1,
        calls=2,
        waits=1,
        reads="→ 429 …; tried again in … (status 429; the server asks to wait 1 s)",
    ),
    Row(
        "limits-without-a-word",
        "answers 429 and nothing more",
        answer(429),
        times=1,
        calls=2,
        reads="→ 429 …; tried again",
    ),
    Row(
        "did-not-get-it-in-time",
        "answers 408",
        answer(408),
        times=1,
        calls=2,
        reads="→ 408 …; tried again",
    ),
    Row("is-too-early", "answers 425", answer(425), times=1, calls=2, reads="→ 425 …; tried again"),
    Row(
        "does-not-know-the-token",
        "answers 401: the token has expired",
        error(401, "token expired", WWW_Authenticate="Bearer"),
        calls=1,
        error="status",
        reads='answered 401 (Unauthorized): {"error": {"message": "token expired"}}',
    ),
    Row(
        "forbids",
        "answers 403",
        error(403, "not your order"),
        calls=1,
        error="status",
        reads='answered 403 (Forbidden): {"error": {"message": "not your order"}}',
    ),
    Row(
        "does-not-have-it",
        "answers 404",
        error(404, "no such order"),
        calls=1,
        error="status",
        reads='answered 404 (Not Found): {"error": {"message": "no such order"}}',
    ),
    Row(
        "is-in-another-state",
        "answers 409",
        error(409, "already paid"),
        calls=1,
        error="status",
        reads='answered 409 (Conflict): {"error": {"message": "already paid"}}',
    ),
    Row(
        "refuses-the-request",
        "answers 422 and says in JSON which field is wrong",
        answer(422, b'{"errors": [{"field": "count", "message": "must be below 50"}]}'),
        calls=1,
        error="status",
        reads='answered 422 (…): {"errors": [{"field": "count", "message": "must be below 50"}]}',
    ),
    Row(
        "answers-another-success",
        "answers 202 where `expect: {status: 200}` stands",
        answer(202, b'{"state": "queued"}'),
        calls=1,
        error="status",
        reads='answered 202 (Accepted): {"state": "queued"}',
        expect={"status": 200},
    ),
    Row(
        "moves",
        "answers 301 to another path of its own",
        moved,
        step="follows, and succeeds",
        calls=2,
        reads="→ 200 …, 1 redirect, attempt 1",
    ),
    Row(
        "moves-to-another-origin",
        "answers 302 to a host that is not in `allow_hosts`",
        lambda turn: [head(302, 0, Location=turn.elsewhere)],
        calls=1,
        error="status",
        reads="answered 302 (Found); the redirect is not followed: it goes to …; list 'localhost' in 'allow_hosts'",
    ),
    Row(
        "moves-in-circles",
        "answers 302 to itself, for ever",
        lambda turn: [head(302, 0, Location=f"{turn.path}?cursor=b")],
        step="follows five times, then fails: `status`",
        calls=6,
        error="status",
        reads="answered 302 (Found); 5 redirects were followed already",
    ),
    Row(
        "says-not-modified",
        "answers 304 to a call that asked no such thing",
        answer(304),
        calls=1,
        error="status",
        reads="answered 304 (Not Modified)",
    ),
)
