"""A switch as it runs: what it chooses runs, the rest is skipped, and what follows goes on."""

from __future__ import annotations

import pytest

from tests.operators.api import Api
from tests.operators.conftest import RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

FLOW = """
name: flow
api_base: API
inputs: {properties: {size: {type: integer}}, required: [size]}
steps:
  - name: route
    type: switch
    cases:
      - {condition: inputs.size > 100, steps: [split, big]}
      - {condition: inputs.size > 10, steps: [middle]}
      - {condition: inputs.size < 0, steps: []}
    default: [small, inner]
  - {name: split, endpoint: /split, parallel_group: parts}
  - {name: other, endpoint: /other, parallel_group: parts}
  - {name: big, endpoint: /big}
  - {name: middle, endpoint: /middle}
  - {name: small, endpoint: /small}
  - {name: inner, type: switch, cases: [{condition: inputs.size == 1, steps: [one]}]}
  - {name: one, endpoint: /one}
  - {name: after, type: transform, payload: {case: "{{ steps.route.case }}", big: "{{ status('big') }}"}}
"""


@pytest.mark.parametrize(
    "size,case,called",
    [
        (500, 0, ["/split", "/other", "/big"]),
        (50, 1, ["/other", "/middle"]),
        (-1, 2, ["/other"]),
        (5, None, ["/other", "/small"]),
        (1, None, ["/other", "/small", "/one"]),
    ],
)
def test_the_first_case_that_is_true_is_taken(
    run_workflow: RunWorkflow, api: Api, size: int, case: int | None, called: list[str]
) -> None:
    """Its steps run, those of the other cases are skipped; a step that no case names runs, as does what follows."""
    ran = run_workflow(FLOW, {"size": size})
    assert ran.state == "success"
    assert sorted(call.path for call in api.got) == sorted(called)
    assert ran.xcom("route")["case"] == case
    assert ran.xcom("after") == {"case": case, "big": "success" if "/big" in called else "skipped"}
    assert ran.xcom("one", "skip") == (None if size == 1 else "switch")


def test_a_group_and_two_switches(run_workflow: RunWorkflow, api: Api) -> None:
    """A group stands for its members; a step that two switches name runs when one of them chooses it."""
    ran = run_workflow(
        """
name: flow
api_base: API
steps:
  - {name: first, type: switch, depends_on: [], cases: [{condition: "{{ 1 > 2 }}", steps: [parts, both]}]}
  - {name: second, type: switch, depends_on: [], cases: [{condition: true, steps: [both]}]}
  - {name: a, endpoint: /a, parallel_group: parts}
  - {name: b, endpoint: /b, parallel_group: parts}
  - {name: both, endpoint: /both}
"""
    )
    assert (ran.state, [call.path for call in api.got]) == ("success", ["/both"])
    assert ran.states["a"] == ran.states["b"] == "skipped"


def test_a_switch_that_is_skipped_or_failed_chooses_nothing(run_workflow: RunWorkflow, api: Api) -> None:
    """Its steps are skipped with it; a condition that is neither true nor false fails it, and they do not run."""
    ran = run_workflow(
        """
name: flow
api_base: API
steps:
  - {name: off, type: switch, depends_on: [], condition: false, cases: [{condition: true, steps: [a]}]}
  - {name: wrong, type: switch, depends_on: [], cases: [{condition: "'yes'", steps: [b]}]}
  - {name: a, endpoint: /a}
  - {name: b, endpoint: /b}
"""
    )
    assert (ran.state, api.got) == ("failed", [])
    assert (ran.states["a"], ran.states["b"]) == ("skipped", "upstream_failed")
    assert "cases.0.condition" in ran.xcom("wrong", "error")["message"]
