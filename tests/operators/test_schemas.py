"""Schemas by id guard what goes into a run and what comes out of it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.operators.inputs_schema import check_inputs, check_result
from tests.operators.api import Api
from tests.operators.conftest import RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

RECEIPT = """
id: receipt
definition:
  type: object
  required: [number]
  properties:
    number: {type: integer}
    lines: {type: array, items: {type: object, properties: {day: {type: string, format: date}}}}
"""
AROUND = {"schemas/receipt.yaml": RECEIPT, "_defaults.yaml": "retry: {limit: 0}\n"}
FLOW = """
name: flow
api_base: API
output_schema_id: receipt
steps:
  - {name: order, endpoint: /order, method: POST}
"""


def test_the_last_steps_output_is_checked(run_workflow: RunWorkflow, api: Api) -> None:
    """Without `outputs` the result is the last step's output: what fits is the Dag's result, what does not fails."""
    good = {"number": 1, "lines": [{"day": "2026-01-31"}]}
    for answer in (good, {"number": "1", "lines": [{"day": "2026-01-31"}, {"day": "monday"}]}):
        api.answer("/order", 200, answer)
    ran = run_workflow(FLOW, around=AROUND)
    assert (ran.state, ran.xcom("result")) == ("success", good)
    failed = run_workflow(FLOW, around=AROUND)
    assert failed.states == {"order": "success", "result": "failed", "outcome": "failed"}
    error = failed.xcom("result", "error")["message"]
    assert "the workflow's result does not fit the schema 'receipt' ('output_schema_id').\n- 'lines[1].day': " in error
    assert "- 'number': '1' is not of type 'integer'" in error
    assert failed.xcom("result") is None


def test_outputs_are_checked(run_workflow: RunWorkflow, api: Api) -> None:
    """What `outputs` computes is what is checked, not the last step's output."""
    api.answer("/order", 200, {"number": 7})
    ran = run_workflow(FLOW + "outputs: {number: '{{ steps.order.number | string }}'}\n", around=AROUND)
    assert (ran.state, ran.states["result"]) == ("failed", "failed")
    assert "- 'number': '7' is not of type 'integer'" in ran.xcom("result", "error")["message"]
    api.answer("/order", 200, {"number": "x"})
    assert run_workflow(FLOW + "outputs: {number: 3}\n", around=AROUND).xcom("result") == {"number": 3}


def test_inputs_are_checked_before_any_call(run_workflow: RunWorkflow, api: Api) -> None:
    """What Airflow cannot check of single properties, the task `inputs` checks by the whole schema, by its name."""
    text = FLOW.replace("output_schema_id", "input_schema_id")
    schema = RECEIPT + "  dependentRequired: {lines: [day]}\n"
    conf = {"number": 1, "lines": []}
    ran = run_workflow(text, conf, around={**AROUND, "schemas/receipt.yaml": schema})
    assert ran.states == {"inputs": "failed", "order": "upstream_failed", "outcome": "failed"}
    told = ran.xcom("inputs", "error")["message"]
    assert "the run's conf does not fit the schema 'receipt' of the workflow's inputs." in told
    assert "'day' is a dependency of 'lines'" in told
    assert api.got == []


FORMATS = {
    "date": "2026-02-30",
    "date-time": "2026-01-31 10:00",
    "duration": "1 day",
    "email": "nobody",
    "hostname": "-a",
    "ipv4": "1.2.3",
    "ipv6": "1.2.3.4",
    "regex": "(",
    "time": "25:00:00Z",
    "uri": "no uri",
    "uri-reference": "\\a",
    "uuid": "7f3a",
}


@pytest.mark.parametrize("name, wrong", FORMATS.items())
def test_formats_are_checked(name: str, wrong: str) -> None:
    """A format of JSON Schema is more than a comment, within lists and maps too."""
    schema: dict[str, Any] = {"properties": {"all": {"items": {"format": name}}}}
    with pytest.raises(StepError, match=r"- 'all\[0\]': "):
        check_inputs(schema, {"all": [wrong]})
    with pytest.raises(StepError, match=r"does not fit the schema 's' \('output_schema_id'\)\.\n- 'all\[1\]': "):
        check_result(schema, "s", {"all": [1, wrong]})
