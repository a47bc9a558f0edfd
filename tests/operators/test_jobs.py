"""Jobs as they run: submitted once, polled by a trigger, fetched; the trigger runs within the test."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from tests.operators.api import Api
from tests.operators.conftest import KEY, RunWorkflow

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own: its API in process uses what starlette deprecates

HEAD = """
name: flow
api_base: API
auth: {type: bearer, token: "${API_KEY}"}
defaults: {retry: {limit: 1, delay: 10ms}}
steps:
  - name: work
    type: job
    endpoint: /jobs
    payload: {topic: algebra}
"""


def test_a_job_is_submitted_once_and_polled_until_it_is_done(run_workflow: RunWorkflow, api: Api) -> None:
    """One submit with a key; polls with the credentials until `done_when`; the last body is the output."""
    api.answer("/jobs", 202, {"job_id": 17, "status": "queued"})
    api.answer("/jobs/17", 200, {"status": "running", "share": 0.5})
    api.answer("/jobs/17", 503, None)
    api.answer("/jobs/17", 200, {"status": "completed", "share": 1, "echo": KEY})
    api.answer("/jobs/17", 200, {"status": "completed", "share": 2, "echo": KEY})
    ran = run_workflow(
        HEAD
        + """
    job:
      id: $.job_id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms, timeout: 1m}
      done_when: $.status == "completed"
      fail_when: $.status == "failed"
      progress: $.share
    output_map: {status: $.status, echo: $.echo}
"""
    )
    assert ran.states == {"work": "success", "outcome": "success"}
    assert ran.xcom("work") == {"status": "completed", "echo": "***"}
    (submit,) = api.calls("/jobs")
    assert len(submit.headers["Idempotency-Key"]) == 40
    polls = api.calls("/jobs/17")
    assert len(polls) >= 4
    assert all(poll.method == "GET" and poll.headers["Authorization"] == f"Bearer {KEY}" for poll in polls)
    assert all("Idempotency-Key" not in poll.headers for poll in polls)
    assert ran.xcom("work", "job") == {"id": 17, "key": submit.headers["Idempotency-Key"]}
    assert ran.xcom("work", "progress") == 2  # the poll of the task itself, which comes after the trigger's last


def test_an_answer_that_is_done_at_once_is_not_polled(run_workflow: RunWorkflow, api: Api) -> None:
    """The handshake's last step may be done when it answers: no id, no poll, the result from its body."""
    api.answer("/jobs", 200, {"status": "completed", "result": {"score": 92}})
    ran = run_workflow(
        HEAD
        + """
    job:
      id: $.job_id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms}
      done_when: $.status == "completed"
      fail_when: $.status == "failed"
      result: $.result
"""
    )
    assert ran.states["work"] == "success"
    assert ran.xcom("work") == {"score": 92}
    assert [got.path for got in api.got] == ["/jobs"]


@pytest.mark.parametrize("state", ["completed", "queued"])
def test_what_an_answer_repeats_of_the_credentials_is_hidden(run_workflow: RunWorkflow, api: Api, state: str) -> None:
    """A token that is fetched for the job's calls shows in no output: of a job done at once, and of one polled."""
    token = "token-of-the-server-9876543210"
    api.answer("/token", 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})
    api.answer("/jobs", 200, {"job_id": 17, "status": state, "echo": f"Bearer {token}"})
    api.answer("/jobs/17", 200, {"status": "completed", "echo": f"Bearer {token}"})
    auth = 'auth: {type: oauth2, token_url: /token, client_id: me, client_secret: "${API_KEY}"}'
    ran = run_workflow(
        HEAD.replace('auth: {type: bearer, token: "${API_KEY}"}', auth)
        + """
    job:
      id: $.job_id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms}
      done_when: $.status == "completed"
      fail_when: $.status == "failed"
      result: $.echo
"""
    )
    assert ran.states["work"] == "success"
    assert ran.xcom("work") == "Bearer ***"


def test_the_result_is_fetched_by_a_call(run_workflow: RunWorkflow, api: Api) -> None:
    """A link of the submit's answer is polled, one of the last poll's answer is fetched, and tried again."""
    api.answer("/jobs", 202, {"links": {"self": "/jobs/9?full=1"}})
    api.answer("/jobs/9", 200, {"over": True, "download": "/files/9"})
    api.answer("/files/9", 503, None)
    api.answer("/files/9", 200, {"items": [1, 2]})
    ran = run_workflow(
        HEAD
        + """
    job:
      poll: {endpoint: $.links.self, every: 20ms}
      done_when: $.over
      fail_when: response.status == 410
      result: {endpoint: "{{ response.body.download }}"}
    response_transform: "{{ response.body['items'] | length }}"
"""
    )
    assert ran.states["work"] == "success"
    assert ran.xcom("work") == 2
    assert len(api.calls("/jobs/9?full=1")) >= 2
    assert len(api.calls("/files/9")) == 2
    assert len(api.calls("/jobs")) == 1


def test_a_job_that_fails_fails_the_step_and_is_not_cancelled(run_workflow: RunWorkflow, api: Api) -> None:
    """The error tells the answer, without secrets; nothing is cancelled that is over by itself."""
    api.answer("/jobs", 202, {"id": "a b"})
    api.answer("/jobs/a%20b", 200, {"status": "failed", "why": f"no quota for {KEY}"})
    api.answer("/jobs/a b", 200, {"status": "failed", "why": f"no quota for {KEY}"})
    ran = run_workflow(
        HEAD
        + """
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms}
      done_when: $.status == "done"
      fail_when: $.status == "failed"
      cancel: {endpoint: "/jobs/{{ job.id }}/cancel"}
"""
    )
    assert ran.states["work"] == "failed"
    error = ran.xcom("work", "error")
    assert error["type"] == "job"
    assert "job a b has failed" in error["message"]
    assert "no quota for ***" in error["message"]
    assert [got.path for got in api.got if "cancel" in got.path or got.path == "/jobs"] == ["/jobs"]


def test_a_job_that_takes_too_long_is_cancelled_once(run_workflow: RunWorkflow, api: Api) -> None:
    """The limit counts from the submit; the cancel has a key of its own; the error says what became of the job."""
    api.answer("/jobs", 202, {"id": 5})
    api.answer("/jobs/5", 200, {"status": "running"})
    api.answer("/jobs/5/cancel", 503, None)
    api.answer("/jobs/5/cancel", 202, {})
    ran = run_workflow(
        HEAD
        + """
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 50ms, timeout: 300ms}
      done_when: $.status == "done"
      fail_when: $.status == "failed"
      cancel: {endpoint: "/jobs/{{ job.id }}/cancel", payload: {key: "${API_KEY}"}}
"""
    )
    assert ran.states["work"] == "failed"
    error = ran.xcom("work", "error")
    assert (error["type"], error["message"]) == (
        "job_timeout",
        "job 5 was not over within 'poll.timeout' of 300ms; job 5 was cancelled",
    )
    refused, cancel = api.calls("/jobs/5/cancel")
    (submit,) = api.calls("/jobs")
    assert cancel.method == "POST"
    assert cancel.json == {"key": KEY}
    assert cancel.headers["Idempotency-Key"] == refused.headers["Idempotency-Key"]
    assert cancel.headers["Idempotency-Key"] != submit.headers["Idempotency-Key"]
    assert ran.store("work")["job"]["cancelled"] is True


def test_a_poll_that_cannot_succeed_gives_the_job_up(run_workflow: RunWorkflow, api: Api) -> None:
    """A 404 is no answer that another poll would change: the job is cancelled, and the step fails with that error."""
    api.answer("/jobs", 202, {"id": 5})
    api.answer("/jobs/5", 404, {"detail": "no such job"})
    ran = run_workflow(
        HEAD
        + """
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms}
      done_when: $.status != "running"
      cancel: {endpoint: "/jobs/{{ job.id }}", method: DELETE}
"""
    )
    assert ran.states["work"] == "failed"
    assert ran.xcom("work", "error")["status"] == 404
    assert [got.method for got in api.calls("/jobs/5")][-1] == "DELETE"
    assert ran.tries["work"] == 1


def test_a_submit_is_retried_by_airflow_under_its_key(run_workflow: RunWorkflow, api: Api) -> None:
    """A submit that was not processed is made again, as any call is; the request that is shown is the submit's."""
    api.answer("/jobs", 429, None)
    api.answer("/jobs", 202, {"id": 5})
    api.answer("/jobs/5", 200, {"status": "done"})
    ran = run_workflow(
        HEAD
        + """
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms}
      done_when: $.status != "running"
"""
    )
    assert ran.states["work"] == "success"
    first, second = api.calls("/jobs")
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert ran.tries["work"] == 2


def test_a_submit_that_names_no_job_is_an_error(run_workflow: RunWorkflow, api: Api) -> None:
    """Without an id nobody could follow the job: the step fails and says what the answer lacks."""
    api.answer("/jobs", 202, {"id": None})
    ran = run_workflow(
        HEAD
        + """
    job: {id: $.id, poll: {endpoint: "/jobs/{{ job.id }}"}, done_when: '$.status != "running"'}
"""
    )
    assert ran.states["work"] == "failed"
    assert "does not name a job: 'id' ($.id) is None" in ran.xcom("work", "error")["message"]


def test_a_worker_that_refuses_is_replaced_by_another(run_workflow: RunWorkflow, api: Api) -> None:
    """A refused offer is made again, then to the next worker; what follows goes to the one that accepted."""
    api.answer("/first/offer", 200, {"accepted": False})
    api.answer("/second/offer", 200, {"accepted": True, "id": 3})
    api.answer("/second/jobs/3", 200, {"status": "done", "of": "second"})
    text = (
        HEAD.replace("endpoint: /jobs", "service: first\n    endpoint: /offer")
        + """
    expect: {retry_when: not response.body.accepted}
    fallback: [{service: second}]
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms}
      done_when: $.status == "done"
      fail_when: $.status == "failed"
"""
    )
    services = f"services: {{first: {{api_base: {api.url}/first}}, second: {{api_base: {api.url}/second}}}}\nsteps:"
    ran = run_workflow(text.replace("steps:", services))
    assert ran.states["work"] == "success"
    assert ran.xcom("work")["of"] == "second"
    assert [len(api.calls(path)) for path in ("/first/offer", "/second/offer")] == [2, 1]
    first, second = api.calls("/first/offer")[0], api.calls("/second/offer")[0]
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


def test_a_sensitive_job_shows_nothing_of_its_answers(
    run_workflow: RunWorkflow, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its output is kept encrypted for the run's own steps; the task's state holds the id alone."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    api.answer("/jobs", 202, {"id": 5, "code": "secret-of-submit"})
    api.answer("/jobs/5", 200, {"status": "done", "token": "secret-of-poll"})
    ran = run_workflow(
        HEAD
        + """
    sensitive: true
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}", every: 20ms}
      done_when: $.status != "running"
  - {name: use, endpoint: /use, headers: {X-Token: "{{ steps.work.token }}"}}
"""
    )
    assert ran.states["use"] == "success"
    assert api.calls("/use")[0].headers["X-Token"] == "secret-of-poll"
    assert "secret-of" not in str((ran.xcom("work"), ran.store("work"), ran.xcom("work", "job")))
