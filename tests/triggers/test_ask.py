"""A call about a job on its way through Airflow's database: without secrets, and whole again where it is made."""

from __future__ import annotations

import json

import pytest

from airflow_provider_gimme.errors import RequestError, SecretError, StepError
from airflow_provider_gimme.http.client import Client
from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.triggers.ask import Ask
from airflow_provider_gimme.triggers.marks import Marks, fill
from airflow_provider_gimme.triggers.watch import Watch
from tests.triggers.conftest import TOKEN, MakeWatch, job, scope_of, secrets

EVERYWHERE = """
poll: {endpoint: "/jobs/${TOKEN}/{{ job.id }}", query: {q: "${TOKEN}"}, headers: {X-T: "t ${TOKEN}"}}
done_when: $.status != "running"
cancel: {endpoint: /cancel, payload: {a: ["${TOKEN}"], b: "x${TOKEN}y", n: 1, id: "{{ job.id }}"}}
"""
BASE = "http://127.0.0.1:1/v1/"


def asked(text: str, response: object = None, which: str = "poll") -> Ask:
    """Return one of the calls of a job."""
    work = getattr(job(BASE, text), which)
    return Ask.of(work, scope_of(response), "k", lambda request: request)


def test_a_secret_is_filled_in_as_it_must_be_written_where_it_stands() -> None:
    """In a path percent-encoded, in a query and in a header as it is, in JSON escaped."""
    opened = asked(EVERYWHERE).open(secrets())
    assert opened.request.url == "http://127.0.0.1:1/v1/jobs/tok%2Fen%20%2B1%26%22x%22-0123456789/7"
    assert opened.request.query == (("q", TOKEN),)
    assert opened.request.headers == {"X-T": f"t {TOKEN}"}
    body = asked(EVERYWHERE, which="cancel").open(secrets()).request.body
    assert isinstance(body, bytes)
    assert json.loads(body) == {"a": [TOKEN], "b": f"x{TOKEN}y", "n": 1, "id": 7}


def test_what_is_written_down_holds_no_secret(make_watch: MakeWatch) -> None:
    """Neither a value that was rendered nor a credential is in it; it is JSON, and the same when it is read."""
    watch = make_watch(EVERYWHERE)
    text = json.dumps(watch.to_json())
    assert "tok/en" not in text
    assert "tok%2Fen" not in text
    assert "api-key" not in text
    assert Watch.from_json(json.loads(text)) == watch


def test_the_credentials_are_resolved_where_the_call_is_made() -> None:
    """A secret that has changed meanwhile is the new one; one that is gone is told by name."""
    ask = asked(EVERYWHERE)
    target = ask.open(secrets(API_KEY="another-0123456789")).target
    assert target.auth.sign(Request("GET", BASE)).headers["Authorization"] == "Bearer another-0123456789"
    gone = secrets()
    del gone.environ["TOKEN"]  # type: ignore[attr-defined]
    with pytest.raises(SecretError, match="TOKEN"):
        ask.open(gone)


def test_the_key_is_that_of_the_call() -> None:
    """A cancel carries one, a poll none."""
    assert asked(EVERYWHERE, which="cancel").headers["Idempotency-Key"] == "k"
    assert "Idempotency-Key" not in asked(EVERYWHERE).headers


@pytest.mark.parametrize(
    "link, expected",
    [
        ("/jobs/7?full=1", "http://127.0.0.1:1/jobs/7?full=1"),
        ("http://127.0.0.1:1/other", "http://127.0.0.1:1/other"),
        ("?page=2", "http://127.0.0.1:1/v1/?page=2"),
    ],
)
def test_a_link_is_followed_from_the_base(link: str, expected: str) -> None:
    """As a browser would, with the query that the file adds."""
    text = 'poll: {endpoint: $.url, query: {n: 1}}\ndone_when: $.status != "running"'
    opened = asked(text, {"url": link}).open(secrets())
    request = opened.located(Client(opened.target.base_url))
    assert (request.url, request.query) == (expected, (("n", "1"),))


def test_a_link_leads_nowhere_else() -> None:
    """A URL of an answer cannot send a call to another host."""
    text = 'poll: {endpoint: $.url}\ndone_when: $.status != "running"'
    opened = asked(text, {"url": "http://127.0.0.2:1/x"}).open(secrets())
    with pytest.raises(RequestError, match=r"127\.0\.0\.2"):
        opened.located(Client(opened.target.base_url))


def test_a_mark_that_does_not_stand_whole_is_an_error() -> None:
    """What an expression makes of a secret cannot be made again elsewhere; the message names the secret only."""
    marks = Marks(secrets())
    mark = marks("TOKEN")
    marks.check([f"a{mark}b"])
    with pytest.raises(StepError, match=r"\$\{TOKEN\}"):
        marks.check([mark.upper()])


def test_marks_are_never_the_same() -> None:
    """Each has its own place, an empty secret none, and one is not a part of another."""
    marks = Marks(secrets(EMPTY=""))
    given = [marks("TOKEN"), marks("TOKEN"), marks.base]
    assert marks("EMPTY") == ""
    assert not any(one in other for one in given for other in given if one is not other)
    assert fill(" ".join(given), dict.fromkeys(given, "x")) == "x x x"
    assert Marks(secrets())("TOKEN") != given[0]
