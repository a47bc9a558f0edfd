"""Any operator of Airflow as a step: its arguments, its failures, its waits."""

from __future__ import annotations

import re

import pytest

from airflow_provider_gimme.build import build_workflow
from airflow_provider_gimme.errors import StepError, WorkflowError
from airflow_provider_gimme.steps.operator.operator import find_operator
from tests.operators.api import Api
from tests.operators.conftest import RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

STANDARD = "airflow.providers.standard"


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GIMME__ALLOWED_OPERATORS", f"{STANDARD}.operators.bash.BashOperator, {STANDARD}.sens*")


def test_an_operator_gets_our_arguments_and_gives_its_output(run_workflow: RunWorkflow, api: Api) -> None:
    """An expression is evaluated once: what an answer holds is no template, neither ours nor Airflow's."""
    api.answer("/orders", 200, {"name": "{{ ds }} ${HOME}"})
    ran = run_workflow(
        f"""
name: flow
api_base: API
steps:
  - {{name: orders, endpoint: /orders}}
  - name: say
    type: operator
    operator: {STANDARD}.operators.bash.BashOperator
    args: {{bash_command: 'printf "%s" "$NAME"', env: {{NAME: "{{{{ steps.orders.name }}}}"}}}}
  - {{name: told, type: transform, payload: "{{{{ steps.say }}}}"}}
"""
    )
    assert ran.state == "success"
    assert ran.xcom("told") == "{{ ds }} ${HOME}"


def test_a_failing_operator_is_tried_as_retry_says(run_workflow: RunWorkflow) -> None:
    """It fails like a step: its error can be read, and it may be tolerated. Without `retry` it is run once."""
    ran = run_workflow(
        f"""
name: flow
defaults: {{type: operator, operator: {STANDARD}.operators.bash.BashOperator, on_failure: continue}}
steps:
  - {{name: again, args: {{bash_command: exit 3}}, retry: {{limit: 1, delay: 10ms}}}}
  - {{name: once, args: {{bash_command: exit 4}}}}
  - {{name: skipped, args: {{bash_command: exit 99}}}}
  - {{name: wrong, args: {{command: ls}}}}
  - name: told
    type: transform
    payload: ["{{{{ error('again').message }}}}", "{{{{ error('once').attempts }}}}", "{{{{ status('skipped') }}}}"]
"""
    )
    assert ran.state == "success"
    message, attempts, status = ran.xcom("told")
    assert "exit code 3" in message
    assert (attempts, status, ran.tries["again"], ran.tries["once"]) == (1, "skipped", 2, 1)
    assert ran.record("again", 1)["reason"] == "the operator failed"
    assert ran.record("again", 2)["reason"] == "the operator failed; the limit of 1 retries is used up"
    assert "'args' is not what" in ran.xcom("wrong", "error")["message"]


def test_only_what_the_site_allows_is_run(run_workflow: RunWorkflow) -> None:
    """What is not there, or no operator, fails the step."""
    ran = run_workflow(
        f"""
name: flow
defaults: {{type: operator, on_failure: continue}}
steps:
  - {{name: nothing, operator: {STANDARD}.sensors.none.NoSensor}}
  - {{name: odd, operator: {STANDARD}.sensors.filesystem.FSHook}}
"""
    )
    told = {name: ran.xcom(name, "error")["message"] for name in ("nothing", "odd")}
    assert f"there is no operator '{STANDARD}.sensors.none.NoSensor' on this worker" in told["nothing"]
    assert "is no operator of Airflow" in told["odd"]


def test_what_the_site_does_not_allow_is_a_problem_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says who can change that; a worker that allows less than the Dag processor refuses, too."""
    path = f"{STANDARD}.operators.python.PythonOperator"
    text = f"name: flow\nsteps: [{{name: python, type: operator, operator: {path}}}]\n"
    with pytest.raises(WorkflowError) as raised:
        build_workflow(text, file="flow.yaml")
    (problem,) = raised.value.problems
    told = f"'{path}' is not one of [gimme] allowed_operators ("
    assert str(problem).startswith(f"flow.yaml:2:50: steps[0] 'python'.operator: {told}")
    monkeypatch.delenv("AIRFLOW__GIMME__ALLOWED_OPERATORS")
    with pytest.raises(StepError, match=re.escape("allowed_operators (none). The platform adds it there.")):
        find_operator(path)


def test_an_operator_is_ended_at_its_limit(run_workflow: RunWorkflow) -> None:
    """The step's `timeout` ends it, and the message names it."""
    ran = run_workflow(
        f"""
name: flow
steps:
  - name: long
    type: operator
    operator: {STANDARD}.operators.bash.BashOperator
    args: {{bash_command: sleep 60}}
    timeout: 2s
"""
    )
    assert ran.state == "failed"
    assert ran.xcom("long", "error")["message"] == "it was not done within the step's 'timeout' of 2s"
