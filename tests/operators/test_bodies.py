"""Bodies of steps as they run: saved, sent again, streamed, gathered."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.operators.api import Api
from tests.operators.conftest import Ran, RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

HEAD = """
name: flow
api_base: API
defaults: {retry: {limit: 1, delay: 10ms}}
"""
PDF = b"%PDF-" + random.Random(1).randbytes(7_000_000)  # noqa: S311 - what no search takes long for


def rendered(ran: Ran, task_id: str) -> Any:
    """Return the request as the task's page shows it."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields as Fields
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        query = select(Fields.rendered_fields).where(Fields.run_id == ran.run.run_id, Fields.task_id == task_id)
        shown = session.scalar(query)
    assert shown is not None
    return json.loads(shown["request"]) if isinstance(shown["request"], str) else shown["request"]


def saved(path: str) -> Path:
    return Path(os.environ["AIRFLOW_HOME"], "gimme_storage", "flow", path)


def test_a_file_is_downloaded_and_sent_on(run_workflow: RunWorkflow, api: Api) -> None:
    """Of more than 5 MB, packed; the output is its reference, and what is shown of the upload its name and size."""
    api.answer("/file", 200, gzip.compress(PDF, 1), Content_Type="application/pdf", Content_Encoding="gzip")
    api.answer("/upload", 503)
    api.answer("/upload", 200, {"ok": True})
    ran = run_workflow(
        HEAD
        + """
steps:
  - {name: file, endpoint: /file, save_to: "{{ run.id }}/may.pdf"}
  - name: upload
    endpoint: /upload
    content_type: multipart
    idempotency: supported
    payload: {title: "May", document: "{{ steps.file }}", again: {file: "{{ steps.file }}", filename: b.pdf}}
  - {name: raw, endpoint: /raw, method: PUT, content_type: binary, payload: "{{ steps.file }}"}
"""
    )
    assert ran.state == "success"
    path = f"{ran.run.run_id}/may.pdf"
    reference = ran.xcom("file")
    assert (reference["path"], reference["bytes"]) == (f"flow/{path}", len(PDF))
    assert reference["media_type"] == "application/pdf"
    assert saved(path).read_bytes() == PDF
    first, second = api.calls("/upload")
    parts = second.body.split(second.headers["Content-Type"].partition("boundary=")[2].encode())[1:-1]
    names = [part.split(b"\r\n")[1 if part is parts[0] else 2] for part in parts]
    assert names == [
        b'Content-Disposition: form-data; name="title"',
        b'Content-Disposition: form-data; name="document"; filename="may.pdf"',
        b'Content-Disposition: form-data; name="again"; filename="b.pdf"',
    ]
    assert [PDF in part for part in parts] == [False, True, True]
    assert len(first.body) == len(second.body)
    (raw,) = api.calls("/raw")
    assert (raw.body, raw.headers["Content-Type"]) == (PDF, "application/pdf")
    assert rendered(ran, "raw")["body"] == f"<may.pdf, {len(PDF):,} bytes>"
    assert f"document: <may.pdf, {len(PDF):,} bytes>" in rendered(ran, "upload")["body"]


WAYS = """
order: graph
steps:
  - name: file
    endpoint: /file
    save_to: a.png
    response_transform: {file: "{{ response.body }}", pages: "{{ response.headers['x-pages'] }}"}
  - {name: gone, endpoint: /gone, save_to: failed/gone.json}
  - {name: broken, endpoint: /broken, save_to: failed/broken.bin}
  - {name: large, endpoint: /large}
  - {name: binary, endpoint: /file}
  - {name: lie, endpoint: /lie}
  - {name: send, endpoint: /send, content_type: binary, method: PUT, payload: "{{ steps.lie }}"}
"""


def test_what_cannot_be_saved_or_sent_is_told(run_workflow: RunWorkflow, api: Api) -> None:
    """A failed download leaves nothing, what is no output names the way out, a forged reference sends nothing."""
    api.answer("/file", 200, b"\x89PNG\0", Content_Type="image/png", X_Pages="7")
    api.answer("/gone", 404, {"error": "gone"})
    api.answer("/broken", 200, b"not gzip at all", Content_Encoding="gzip")
    api.answer("/large", 200, bytes(5_300_000))
    api.answer("/lie", 200, {"type": "saved", "path": "other/secret.txt", "bytes": 3})
    ran = run_workflow(HEAD + WAYS)

    def message(task_id: str) -> str:
        return str(ran.xcom(task_id, "error")["message"])

    # a transform sees the reference as the answer's body
    assert (ran.xcom("file")["pages"], ran.xcom("file")["file"]["bytes"]) == ("7", 5)
    assert ran.xcom("gone", "error")["status"] == 404
    assert "compressed by gzip, and is not" in message("broken")
    assert [path for path in saved("failed").rglob("*") if path.is_file()] == []
    assert "larger than 5 MB (5,300,000 bytes are announced, none was read)" in message("large")
    assert "is binary, and an output is JSON or text" in message("binary")
    assert all("write 'save_to'" in message(task_id) for task_id in ("large", "binary"))
    assert "not a reference to a file that this workflow has saved" in message("send")
    assert api.calls("/send") == []


OPENAI = (
    b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
    b": keep-alive\n\n"
    b'data: {"choices":[{"index":0,"delta":{"content":"lo!"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"total_tokens":9}}\n\n'
    b"data: [DONE]\n\n"
)
ANTHROPIC = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":5}}}\n\n'
    b'event: ping\ndata: {"type": "ping"}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"Hel"}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"lo!"}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


def test_streams_are_gathered(run_workflow: RunWorkflow, api: Api) -> None:
    """Tokens are joined as the documentation says for two common kinds; as they come, events and lines are lists."""
    api.answer("/openai", 200, OPENAI, Content_Type="text/event-stream")
    api.answer("/lines", 200, b'{"n": 1}\n{"n": 2}\n', Content_Type="application/x-ndjson")
    api.answer("/anthropic", 200, ANTHROPIC, Content_Type="text/event-stream; charset=utf-8")
    docs = (Path(__file__).parents[2] / "docs" / "bodies.md").read_text()
    transforms = re.findall(r'^ +(response_transform: "\{\{ response.body \| map.*)$', docs, re.MULTILINE)
    assert len(transforms) == 2
    ran = run_workflow(
        HEAD
        + f"""
steps:
  - name: openai
    endpoint: /openai
    payload: {{stream: true}}
    {transforms[0]}
  - name: anthropic
    endpoint: /anthropic
    payload: {{stream: true}}
    {transforms[1]}
  - {{name: events, endpoint: /openai}}
  - {{name: lines, endpoint: /lines}}
  - {{name: sum, type: transform, payload: "{{{{ steps.lines | sum(attribute='n') }}}}"}}
"""
    )
    assert (ran.xcom("openai"), ran.xcom("anthropic")) == ("Hello!", "Hello!")
    assert (ran.xcom("lines"), ran.xcom("sum")) == ([{"n": 1}, {"n": 2}], 3)
    events = ran.xcom("events")
    assert len(events) == 5
    assert events[-1] == {"event": "message", "id": "", "data": {"choices": [], "usage": {"total_tokens": 9}}}
