"""What undoes a run that has failed: in reverse order, what was done or may have been, under one key for each."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from tests.operators.api import Api, Got
from tests.operators.conftest import RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

SAGA = """
name: saga
api_base: API
defaults: {retry: {limit: 1, delay: 10ms}}
steps:
  - name: flight
    endpoint: /flights
    payload: {}
    compensation: {endpoint: "/flights/{{ output.id }}", method: DELETE}
  - {name: seat, endpoint: /seats, payload: {}, compensation: {endpoint: /seats/undo, payload: {}}, condition: "false"}
  - name: hotel
    endpoint: /hotels
    payload: {}
    compensation: {endpoint: /hotels/undo, payload: {id: "{{ steps.hotel.id }}", why: "{{ error('car').message }}"}}
  - name: car
    endpoint: /cars
    payload: {}
    HOW
    compensation: {endpoint: /cars/undo, input_map: {run: $.execution.id}}
  - {name: mail, endpoint: /mails, payload: {}, compensation: {endpoint: /mails/undo, payload: {}}}
"""


def paths(api: Api) -> list[str]:
    """Return what came in, in order."""
    return [f"{got.method} {got.path}" for got in api.got]


def saga(api: Api, status: int) -> None:
    """Let the flight and the hotel be booked, and the car be answered with a status."""
    api.answer("/flights", 200, {"id": 7})
    api.answer("/hotels", 200, {"id": 8})
    api.answer("/cars", status, {"why": "none left"})


def test_what_was_done_is_undone_in_reverse_order(run_workflow: RunWorkflow, api: Api) -> None:
    """A refused step, a skipped one and one that never ran are not; the run fails, and tells what was undone."""
    saga(api, 422)
    ran = run_workflow(SAGA.replace("HOW", ""))
    assert ran.state == "failed"
    assert paths(api)[3:] == ["POST /hotels/undo", "DELETE /flights/7"]
    (hotel,) = api.calls("/hotels/undo")
    assert hotel.json["id"] == 8
    assert "422" in hotel.json["why"]
    assert {name: state for name, state in ran.states.items() if "." in name} == {
        "compensation.begin": "success",
        "undo.flight": "success",
        "undo.seat": "skipped",
        "undo.hotel": "success",
        "undo.car": "skipped",
        "undo.mail": "skipped",
    }
    assert ran.xcom("outcome", "compensation") == {
        "state": "compensated",
        "undone": ["hotel", "flight"],
        "failed": {},
    }
    assert ran.xcom("outcome", "error")["message"].endswith("\ncompensated: hotel, flight")


def test_what_may_have_been_done_is_undone(run_workflow: RunWorkflow, api: Api) -> None:
    """After a 500 nobody knows, so the car is given back as well."""
    saga(api, 500)
    ran = run_workflow(SAGA.replace("HOW", ""))
    assert paths(api)[4:] == ["POST /cars/undo", "POST /hotels/undo", "DELETE /flights/7"]
    assert api.calls("/cars/undo")[0].json == {"run": ran.run.run_id}


def test_abort_undoes_nothing(run_workflow: RunWorkflow, api: Api) -> None:
    """`on_failure: abort` fails the run and leaves what was done."""
    saga(api, 422)
    ran = run_workflow(SAGA.replace("HOW", "on_failure: abort"))
    assert ran.state == "failed"
    assert len(api.got) == 3
    assert ran.xcom("outcome", "compensation") is None


def test_nothing_is_undone_of_a_run_that_succeeds(run_workflow: RunWorkflow, api: Api) -> None:
    """All that may undo is skipped at once; so it is when a failure is tolerated."""
    saga(api, 422)
    ran = run_workflow(SAGA.replace("HOW", "on_failure: continue"))
    assert ran.state == "success"
    assert len(api.got) == 4
    assert {state for name, state in ran.states.items() if name.startswith("undo.")} == {"skipped"}


def test_a_compensation_has_its_own_retries_under_its_own_key(run_workflow: RunWorkflow, api: Api) -> None:
    """A POST too, although nobody wrote `retry`: to undo twice under one key is what it is made for."""
    saga(api, 422)
    api.answer("/hotels/undo", 500)
    api.answer("/hotels/undo", 200)
    text = SAGA.replace("HOW", "").replace("endpoint: /hotels/undo", "retry: {delay: 10ms}, endpoint: /hotels/undo")
    ran = run_workflow(text)
    assert ran.xcom("outcome", "compensation")["undone"] == ["hotel", "flight"]
    keys = {got.headers["Idempotency-Key"] for got in api.calls("/hotels/undo")}
    assert len(api.calls("/hotels/undo")) == 2
    assert len(keys) == 1
    assert keys.isdisjoint({got.headers.get("Idempotency-Key") for got in api.calls("/hotels")})


def test_a_compensation_that_fails_is_told(run_workflow: RunWorkflow, api: Api) -> None:
    """The others are undone all the same; the webhook and `outcome` say which are and which are not."""
    saga(api, 422)
    api.answer("/hotels/undo", 400, {"why": "too late"})
    ran = run_workflow(SAGA.replace("HOW", "") + f"monitoring: {{webhook_url: {api.url}/hook}}\n")
    told = ran.xcom("outcome", "compensation")
    (hook,) = api.calls("/hook")
    assert (hook.json["type"], hook.json["data"]["compensation"]) == ("run.failed", told)
    assert (told["state"], told["undone"], list(told["failed"])) == ("compensation_failed", ["flight"], ["hotel"])
    message = ran.xcom("outcome", "error")["message"]
    assert "\ncompensation failed\nnot undone: 'hotel': POST " in message
    assert message.endswith("\nundone: flight")
    assert paths(api)[-2:] == ["DELETE /flights/7", "POST /hook"]


FAN_OUT = """
name: seats
api_base: API
steps:
  - name: book
    for_each: {items: [1, 2, 3, 4, 5], as: seat, max_parallel: 1, tolerate: 3}
    endpoint: "/seats/{{ seat }}"
    payload: {}
    retry: {limit: 0}
    response_transform: response.body.id
    compensation:
      endpoint: "/free/{{ seat }}"
      payload: {id: "{{ output }}", index: "{{ index }}"}
  - {name: stop, type: fail, message: no}
"""


def _seat(status: int, number: int) -> tuple[int, object, dict[str, str]]:
    return status, {"id": number * 100}, {}


def test_the_items_of_a_fan_out_are_undone(run_workflow: RunWorkflow, api: Api) -> None:
    """Those that were done or may have been; one that was refused is not."""
    for number, status in ((1, 200), (2, 409), (3, 500), (4, 200), (5, 200)):
        api.answer(f"/seats/{number}", status, {"id": number * 100})
    ran = run_workflow(FAN_OUT)
    assert ran.state == "failed"
    freed = [(got.path, got.json) for got in api.got if got.path.startswith("/free")]
    assert freed == [
        ("/free/5", {"id": 500, "index": 4}),
        ("/free/4", {"id": 400, "index": 3}),
        ("/free/3", {"id": None, "index": 2}),
        ("/free/1", {"id": 100, "index": 0}),
    ]
    keys = {got.headers["Idempotency-Key"] for got in api.got if got.path.startswith("/free")}
    assert len(keys) == 4
    assert ran.xcom("outcome", "compensation")["undone"] == ["book"]


def test_items_of_a_fan_out_that_failed_are_undone(run_workflow: RunWorkflow, api: Api) -> None:
    """Also where it stopped early: what was not begun is not undone. All are tried, whichever fails."""
    for number, status in ((1, 200), (2, 200), (3, 409)):
        api.answer(f"/seats/{number}", status, {"id": number * 100})
    api.answer("/free/2", 400)
    ran = run_workflow(FAN_OUT.replace("tolerate: 3", "tolerate: 0").replace("[1, 2, 3, 4, 5]", "[1, 2, 3]"))
    assert [got.path for got in api.got if got.path.startswith("/free")] == ["/free/2", "/free/1"]
    told = ran.xcom("outcome", "compensation")
    assert told["state"] == "compensation_failed"
    assert "1 of 2 items failed" in told["failed"]["book"]["message"]


def test_a_batch_is_undone_as_it_was_done(run_workflow: RunWorkflow, api: Api) -> None:
    """With `batch_size`, `item` and `output` are the batch's lists."""

    def book(got: Got) -> tuple[int, object, dict[str, str]]:
        return 200, [number * 10 for number in got.json], {}

    api.handlers["/seats"] = book
    ran = run_workflow(
        """
name: batches
api_base: API
steps:
  - name: book
    for_each: {items: [1, 2, 3], batch_size: 2, max_parallel: 1}
    endpoint: /seats
    payload: "{{ item }}"
    compensation: {endpoint: /free, payload: ["{{ item }}", "{{ output }}"]}
  - {name: stop, type: fail, message: no}
"""
    )
    assert ran.state == "failed"
    assert [got.json for got in api.calls("/free")] == [[[3], [30]], [[1, 2], [10, 20]]]


def test_what_is_sensitive_is_undone_without_being_shown(
    run_workflow: RunWorkflow, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compensation may send a sensitive output, and its own answer is kept encrypted."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    api.answer("/tokens", 200, {"token": "a-very-secret-token"})
    api.answer("/revoke", 200, {"revoked": "a-very-secret-token"})
    ran = run_workflow(
        """
name: tokens
api_base: API
steps:
  - name: login
    endpoint: /tokens
    payload: {}
    sensitive: true
    compensation: {endpoint: /revoke, payload: {token: "{{ output.token }}"}}
  - {name: stop, type: fail, message: no}
"""
    )
    assert api.calls("/revoke")[0].json == {"token": "a-very-secret-token"}
    assert ran.xcom("undo.login")["type"] == "sensitive"


def test_undoing_is_not_bound_by_the_runs_timeout(run_workflow: RunWorkflow, api: Api) -> None:
    """A run whose time is up is undone all the same."""
    api.delays["/slow"] = 3
    ran = run_workflow(
        """
name: late
api_base: API
timeout: 1500ms
steps:
  - {name: first, endpoint: /first, payload: {}, compensation: {endpoint: /first/undo, payload: {}}}
  - {name: slow, endpoint: /slow, retry: {limit: 0}}
"""
    )
    assert ran.state == "failed"
    assert ran.xcom("outcome", "compensation")["undone"] == ["first"]
