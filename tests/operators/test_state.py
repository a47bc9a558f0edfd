"""State between runs: what one run leaves, the next one reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.operators.api import Api
from tests.operators.conftest import RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

HEAD = """
name: flow
api_base: API
defaults: {retry: {limit: 0}}
"""
WATERMARK = (
    HEAD
    + """
state: {newest: "{{ steps.fetch.newest }}", runs: (state.runs or 0) + 1}
steps:
  - {name: fetch, endpoint: /new, query: {since: "{{ state.newest or 0 }}"}}
  - {name: after, type: transform, payload: "{{ 1 / steps.fetch.divisor }}"}
"""
)

Stored = Callable[[], dict[str, Any]]


@pytest.fixture
def stored(airflow_db: Path) -> Stored:
    """Return what the asset of the Dag `flow` holds; it is empty at first."""
    import json

    from airflow.models.asset import AssetModel
    from airflow.models.asset_state_store import AssetStateStoreModel
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select

    with create_session() as session:
        session.execute(delete(AssetStateStoreModel))

    def rows() -> dict[str, Any]:
        with create_session() as session:
            found = session.execute(
                select(AssetStateStoreModel.key, AssetStateStoreModel.value)
                .join(AssetModel, AssetModel.id == AssetStateStoreModel.asset_id)
                .where(AssetModel.name == "flow.state")
            )
            return {key: json.loads(value) for key, value in found}

    return rows


def test_a_run_reads_what_the_last_good_one_stored(run_workflow: RunWorkflow, api: Api, stored: Stored) -> None:
    """It is null at first, stored by a run that succeeds, left alone by one that fails, and by a value of null."""
    for newest, divisor in ((7, 1), (9, 0), (None, 1)):
        api.answer("/new", 200, {"newest": newest, "divisor": divisor})
    first = run_workflow(WATERMARK)
    assert first.states == dict.fromkeys(("fetch", "after", "result", "outcome"), "success")
    assert stored() == {"newest": 7, "runs": 1}
    failed = run_workflow(WATERMARK)
    assert (failed.state, failed.states["result"]) == ("failed", "upstream_failed")
    assert stored() == {"newest": 7, "runs": 1}
    assert run_workflow(WATERMARK).state == "success"
    assert stored() == {"newest": 7, "runs": 2}
    assert [got.path for got in api.got] == ["/new?since=0", "/new?since=7", "/new?since=7"]


def test_what_cannot_be_stored_fails_the_run_before_anything_is(run_workflow: RunWorkflow, stored: Stored) -> None:
    """Too large a value is an error of `result` that names it, and no name changes; `outputs` sees the state before."""
    text = (
        HEAD.replace("api_base: API", "# API")
        + """
state: {small: "1 + 1", large: "'x' * inputs.size"}
outputs: {before: "{{ state.small }}"}
steps: [{name: a, type: transform, payload: 1}]
"""
    )
    failed = run_workflow(text, {"size": 60_000})
    assert (failed.state, failed.states["result"]) == ("failed", "failed")
    assert "state.large: the value has 60,002 bytes; the limit is 60,000." in failed.xcom("result", "error")["message"]
    assert stored() == {}
    first = run_workflow(text, {"size": 1})
    assert (stored(), first.xcom("result")) == ({"small": 2, "large": "x"}, {"before": None})
    assert run_workflow(text, {"size": 1}).xcom("result") == {"before": 2}


def test_a_tolerated_failure_stores_and_a_null_keeps(run_workflow: RunWorkflow, api: Api, stored: Stored) -> None:
    """A run that is completed with errors has succeeded; what a step could not give leaves the state as it was."""
    api.answer("/new", 500)
    text = (
        HEAD
        + """
state: {newest: "(steps.fetch or {}).newest | default(none)", seen: "'yes'"}
steps:
  - {name: fetch, endpoint: /new, on_failure: continue}
  - {name: after, type: transform, payload: {since: "{{ state.newest }}"}}
"""
    )
    ran = run_workflow(text)
    assert (ran.state, ran.xcom("outcome")["state"], ran.xcom("after")) == ("success", "tolerated", {"since": None})
    assert stored() == {"seen": "yes"}
