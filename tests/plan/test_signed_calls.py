"""Calls that a file signs, checked by a server that was written from the API's document and knows nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from airflow_provider_gimme.errors import StatusError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.http import Client, Response
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.call import CallWork
from tests.standins import StandIn

WORKFLOW = """
name: recap
api_base: BASE
auth:
  type: hmac
  secret: "${CONTENT_SECRET}"
  sign: "{timestamp}.{method}.{path}.{body}"
  header: X-Signature
  format: "sha256={signature}"
  timestamp_header: X-Timestamp
steps:
  - name: generate
    endpoint: /api/content/generate
    payload:
      date_range: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}
      content_type: daily_recap
"""


@pytest.fixture(scope="module")
def content() -> Iterator[StandIn]:
    with StandIn("content", items=3, polls=1) as stand_in:
        yield stand_in


async def call(content: StandIn, secret: str) -> Response:
    """Make the call of the one step."""
    work = plan_text(WORKFLOW.replace("BASE", content.url), "recap.yaml").steps[0].work
    assert isinstance(work, CallWork)
    assert work.service.auth is not None
    scope = Scope(secret=lambda _name: secret)
    auth = work.service.auth.resolve(scope, content.url)
    async with Client(content.url, auth=auth) as client:
        return await client.send(work.render(scope, content.url, "k"), timeout=timedelta(seconds=10))


async def test_a_signature_that_a_file_describes_is_accepted(content: StandIn) -> None:
    """The server computes it anew from what it got."""
    response = await call(content, content.token)
    assert len(response.data()["content_items"]) == 3


async def test_a_signature_by_another_secret_is_refused(content: StandIn) -> None:
    """So it is the signature that opened the door."""
    with pytest.raises(StatusError, match="401"):
        await call(content, "another secret")
