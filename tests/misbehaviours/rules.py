"""Answers that are good by their status, and not by what the file expects of them."""

from __future__ import annotations

from tests.misbehaviours.row import Row
from tests.misbehaviours.wire import ok

__all__ = ["RULES"]

SCHEMA = {"type": "object", "properties": {"data": {"type": "array", "items": {"type": "integer"}}}}

RULES: tuple[Row, ...] = (
    Row(
        "says-error-with-200",
        "answers 200 with an error inside, where `fail_when: response.body.ok == false` stands",
        ok(b'{"ok": false, "error": "no such topic"}'),
        calls=1,
        error="outcome",
        reads="answered 200 (OK); 'fail_when' is true (response.body.ok == false): …no such topic",
        expect={"fail_when": "response.body.ok == false"},
        meets=("call", "page"),
    ),
    Row(
        "says-busy-with-200",
        "answers 200 with a busy sign inside, where a `retry_when` stands",
        ok(b'{"busy": true}'),
        times=1,
        calls=2,
        reads="→ 200 …'retry_when' is true (…): …; tried again",
        expect={"retry_when": "response.body.busy | default(false)"},
        meets=("call", "page"),
    ),
    Row(
        "sends-another-shape",
        "sends JSON that does not fit the `schema` of `expect`",
        ok(b'{"data": ["two"]}'),
        calls=1,
        error="schema",
        reads="answered 200 (OK); its body does not fit 'expect.schema': $.data[0]",
        expect={"schema": SCHEMA},
        meets=("call", "page"),
    ),
    Row(
        "says-that-its-job-failed",
        "says that the job has failed, where `fail_when: $.state == 'failed'` stands in `job`",
        ok(b'{"state": "failed", "why": "no model could be reached"}'),
        calls=1,
        error="job",
        reads='job j1 has failed: …answered {"state": "failed", "why": "no model could be reached"}',
        meets=("poll",),
    ),
)
