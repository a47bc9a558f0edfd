"""What a judge says of an answer, and what becomes of the call."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from airflow_provider_gimme.errors import CallError, OutcomeError, SchemaError, StatusError
from airflow_provider_gimme.http import CallRecord, Decision, Redactor, Request, Response, RetryRules, decide
from airflow_provider_gimme.http.outcome import Fault, Judge, Ruling, Verdict
from tests.http.conftest import SECOND, Serve, ServeRaw, call

RULES = RetryRules(limit=3)


def says(verdict: Verdict, **more: Any) -> Judge:
    return lambda _answer: Ruling(verdict, "a_rule", "response.body.ok", **more)


def decided(error: CallError, rules: RetryRules = RULES, used: int = 0) -> Decision:
    return decide(rules, error, retries_used=used, elapsed=timedelta(0), random=lambda: 0.0)


async def refused(
    serve: Serve, judge: Judge, *, status: int = 200, method: str = "GET", **options: Any
) -> OutcomeError:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"ok": False}, status=status, headers={"Retry-After": "7"} if status > 400 else {})

    server = await serve(handler)
    with pytest.raises(OutcomeError) as caught:
        await call(server.base, Request(method, f"{server.base}/x"), judge=judge, **options)
    return caught.value


async def test_a_judge_refuses_an_answer_of_a_good_status(serve: Serve) -> None:
    """The error names rule and condition, and shows status, headers and the start of the body."""
    error = await refused(serve, says("fail"), attempt=2)
    assert (
        str(error)
        == f"""{error.method} {error.url}: answered 200 (OK); 'a_rule' is true (response.body.ok): {{"ok": false}}"""
    )
    assert (error.status, error.rule, error.retry, error.attempt) == (200, "a_rule", False, 2)
    assert (error.excerpt, error.headers["content-type"]) == ('{"ok": false}', "application/json; charset=utf-8")
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_what_a_judge_calls_good_is_good(serve: Serve, status: int) -> None:
    """Whatever its status; its body is there whole."""

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(["x" * 100_000], status=status)

    server = await serve(handler)
    answer = await call(server.base, Request("GET", server.base), judge=says("good"))
    assert (answer.status, answer.data()) == (status, ["x" * 100_000])


async def test_where_a_judge_says_nothing_the_status_decides(serve: Serve) -> None:
    """It is asked first, and the error of a status is what it would be without it."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"n": 1}, status=int(request.path[1:]))

    asked: list[Any] = []

    def judge(answer: Response) -> None:
        asked.append((answer.status, answer.data()))

    server = await serve(handler)
    assert (await call(server.base, Request("GET", f"{server.base}/200"), judge=judge)).data() == {"n": 1}
    with pytest.raises(StatusError, match=r'answered 404 \(Not Found\): {"n": 1}'):
        await call(server.base, Request("GET", f"{server.base}/404"), judge=judge)
    assert asked == [(200, {"n": 1}), (404, {"n": 1})]


async def test_a_redirect_that_is_followed_is_not_judged(serve: Serve) -> None:
    """The answer at its end is; one that is not followed is an answer."""

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/a":
            raise web.HTTPFound("/b")
        return web.Response(text="b")

    asked: list[int] = []

    def judge(answer: Response) -> None:
        asked.append(answer.status)

    server = await serve(handler)
    assert (await call(server.base, Request("GET", f"{server.base}/a"), judge=judge)).text() == "b"
    assert asked == [200]
    with pytest.raises(StatusError, match="302"):
        await call(server.base, Request("POST", f"{server.base}/a"), judge=judge)
    assert asked == [200, 302]


DECISIONS: list[tuple[Verdict, str, bool, str]] = [
    ("fail", "GET 200", False, "'a_rule' of status 200: another attempt would end the same way"),
    ("fail", "GET 503", False, "'a_rule' of status 503: another attempt would end the same way"),
    ("retry", "POST 202", True, "'a_rule' of status 202"),
    ("retry", "POST 404", True, "'a_rule' of status 404; the server asks to wait 7 s"),
    ("bad", "GET 503", True, "status 503; the server asks to wait 7 s"),
    ("bad", "POST 503", True, "status 503; the server asks to wait 7 s"),
    ("bad", "POST 500", False, "status 500: POST may have been processed"),
    ("bad", "GET 200", False, "status 200 is not one of 'retry.on'"),
]


@pytest.mark.parametrize("verdict,answered,again,reason", DECISIONS)
async def test_what_is_said_of_an_answer_decides_whether_there_is_another(
    serve: Serve, verdict: Verdict, answered: str, *, again: bool, reason: str
) -> None:
    """`fail` never, `retry` always (also a POST that nobody calls safe), `bad` where its status would."""
    method, status = answered.split()
    error = await refused(serve, says(verdict), status=int(status), method=method)
    decision = decided(error, RetryRules(safe_only=method == "POST"))
    assert decision.retry is again
    assert decision.reason.startswith(reason)


async def test_a_rule_asks_within_the_limits(serve: Serve) -> None:
    """`limit`, `max_wait` and `max_duration` end what a rule would go on with, each by its name."""
    error = await refused(serve, says("retry"), status=404)
    assert decided(error, RetryRules(limit=2), used=2).reason == (
        "'a_rule' of status 404; the limit of 2 retries is used up"
    )
    assert "more than 'max_wait' 5 s" in decided(error, RetryRules(max_wait=5 * SECOND)).reason
    assert "beyond 'max_duration' 6 s" in decided(error, RetryRules(max_duration=6 * SECOND)).reason


async def test_a_rule_that_cannot_be_evaluated_is_told_as_that(serve: Serve) -> None:
    """With the reason; the condition's value is not claimed to be anything."""
    error = await refused(serve, says("bad", problem="there is no member 'ok'"))
    assert "'a_rule' cannot be evaluated over this answer (response.body.ok: there is no member 'ok')" in str(error)


async def test_a_body_that_does_not_fit_is_told_by_its_places(serve: Serve) -> None:
    """Path and fault of each, secrets hidden before anything is cut, long values shortened; no excerpt beside it."""
    faults = (
        Fault("$.items[3].price", "\"abc\" is not of type 'number'"),
        Fault("$.token", f'"{"x" * 190} s3cr3t-s3cr3t {"y" * 500}" is too long'),
    )
    judge = says("fail", faults=faults, more=4)

    def schema(answer: Response) -> Ruling:
        ruling = judge(answer)
        assert ruling is not None
        return Ruling("fail", "schema", faults=ruling.faults, more=ruling.more)

    error = await refused(serve, schema, redactor=Redactor(["s3cr3t-s3cr3t"]))
    assert isinstance(error, SchemaError)
    assert str(error).startswith(
        f"GET {error.url}: answered 200 (OK); its body does not fit 'expect.schema': "
        '$.items[3].price: "abc" is not of type \'number\'; $.token: "xxx'
    )
    assert str(error).endswith("x *** yyyy…; and 4 more")
    assert "s3cr" not in str(error)
    assert not decided(error).retry


async def test_a_secret_in_a_rule_is_not_told(serve: Serve) -> None:
    """What is told of a condition goes through the redactor as everything does."""
    error = await refused(serve, says("bad", problem="s3cr3t-s3cr3t is text"), redactor=Redactor(["s3cr3t-s3cr3t"]))
    assert "s3cr3t" not in str(error)


CUT = {
    "large": (b"", b"y" * 3000),
    "not gzip": (b"Content-Encoding: gzip\r\n", b"y" * 200),
    "half of gzip": (b"Content-Encoding: gzip\r\n", gzip.compress(b"y" * 200)[:-5]),
}


@pytest.mark.parametrize("case", CUT)
async def test_of_a_body_that_cannot_be_read_a_judge_sees_nothing(serve_raw: ServeRaw, case: str) -> None:
    """Where the status is not expected; the status is still told, with what was read."""
    header, body = CUT[case]
    length = b"Content-Length: %d\r\n" % len(body)
    server = await serve_raw([b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n", length, header, b"\r\n", body])
    seen: list[Any] = []

    def judge(answer: Response) -> None:
        seen.append((answer.status, answer.data()))

    with pytest.raises(StatusError) as caught:
        await call(server.base, Request("GET", server.base), judge=judge, max_body_bytes=1000)
    assert seen == [(502, None)]
    assert (caught.value.excerpt == "y" * 500) is (case == "large")


async def test_an_answer_that_breaks_off_is_judged_by_its_status(serve_raw: ServeRaw) -> None:
    """A connection that is closed in the middle of an error's body does not hide the error."""
    server = await serve_raw([b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n", b'{"half"'])
    with pytest.raises(StatusError, match=r'503 \(Service Unavailable\): {"half"'):
        await call(server.base, Request("GET", server.base), judge=lambda _answer: None)


async def test_the_record_tells_what_a_rule_refused(serve: Serve) -> None:
    """In the log's line; the client's own listener and that of the call hear of the same attempt."""
    own: list[CallRecord] = []
    error = await refused(serve, says("retry"), on_failure=own.append)
    assert [(record.status, record.error) for record in own] == [
        (200, f"""'a_rule' is true (response.body.ok): {error.excerpt}""")
    ]


async def test_a_body_that_goes_on_too_long_is_a_timeout_by_the_name_of_its_limit(serve: Serve) -> None:
    """A judged answer needs its body: nobody guesses about one that does not end."""

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(status=500)
        await answer.prepare(request)
        await answer.write(json.dumps({}).encode())
        await asyncio.sleep(20)
        return answer

    server = await serve(handler)
    with pytest.raises(CallError, match=r"within 500 ms \(what the run leaves\); answered 500, 2 bytes"):
        await call(
            server.base, Request("GET", server.base), seconds=0.5, judge=says("fail"), limit="what the run leaves"
        )
