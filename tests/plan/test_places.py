"""An expression that cannot be evaluated says where in its step it stands."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Compiled, Scope
from airflow_provider_gimme.plan import Plan, plan_text

TEXT = """
name: places
api_base: http://127.0.0.1:1
steps:
  - name: a
    type: transform
    condition: inputs.no
    payload: "{{ 1 / 0 }}"
  - name: b
    type: transform
    payload: {deep: ["{{ 1 / 0 }}"]}
outputs: {total: "{{ 1 / 0 }}"}
"""


def condition(plan: Plan) -> Any:
    return plan.steps[0].condition


@pytest.mark.parametrize(
    "find, message",
    [
        (condition, "condition: there is no input 'no'"),
        (lambda plan: plan.steps[0].work, "payload: division by zero"),
        (lambda plan: plan.steps[1].work, "payload: 'deep[0]': division by zero"),
        (lambda plan: plan.outputs, "outputs: 'total': division by zero"),
    ],
)
def test_an_error_names_its_key(find: Any, message: str) -> None:
    """The key comes first, then the place within what it holds."""
    found: Compiled[Any] = find(plan_text(TEXT, "places.yaml"))
    with pytest.raises(ExpressionError) as caught:
        found.evaluate(Scope())
    assert message in str(caught.value)
