"""What a ``job`` step means: its calls, its conditions, what is said of those that cannot be right."""

from __future__ import annotations

from datetime import timedelta
from textwrap import indent

import pytest

from airflow_provider_gimme.errors import WorkflowError
from airflow_provider_gimme.plan import Plan, plan_text
from airflow_provider_gimme.steps.job.plan import JobWork, Rhythm

HEAD = """
name: jobs
api_base: http://127.0.0.1:1/v1
variables: {limit: 3}
inputs: {properties: {n: {type: integer, default: 1}}}
services: {other: {api_base: http://127.0.0.1:2}}
steps:
  - {name: login, endpoint: /login, sensitive: true}
"""


def planned(job: str, step: str = "") -> Plan:
    """Plan a workflow with one job."""
    text = f"name: a\ntype: job\nendpoint: /jobs\npayload: {{n: 1}}\n{step}\njob:\n{indent(job.strip(), '  ')}\n"
    return plan_text(f"{HEAD}  - {indent(text, '    ').strip()}\n", "jobs.yaml")


def work(job: str, step: str = "") -> JobWork:
    """Return what the job does."""
    found = planned(job, step).by_id["a"].work
    assert isinstance(found, JobWork)
    return found


POLL = 'id: $.id\npoll: {endpoint: "/jobs/{{ job.id }}"}\n'
OVER = POLL + 'done_when: $.status != "running"\n'


def test_defaults() -> None:
    """A poll every 10 s for an hour; the step itself has no limit, one poll has."""
    plan = planned(OVER)
    found = plan.by_id["a"].work
    assert isinstance(found, JobWork)
    assert found.rhythm == Rhythm(timedelta(seconds=10), "constant", timedelta(minutes=5))
    assert found.timeout == timedelta(hours=1)
    assert (plan.by_id["a"].timeout, plan.by_id["a"].attempt_timeout) == (None, timedelta(seconds=60))
    assert (found.poll.call.method, found.poll.call.key_header) == ("GET", None)
    assert plan.warnings == ()


def test_a_cancel_is_a_post_with_a_key_unless_it_says_otherwise() -> None:
    """What changes something carries a key, a DELETE too."""
    posted, deleted = work(OVER + "cancel: {endpoint: /c}"), work(OVER + "cancel: {endpoint: /c, method: delete}")
    assert posted.cancel is not None
    assert deleted.cancel is not None
    assert [each.call.method for each in (posted.cancel, deleted.cancel)] == ["POST", "DELETE"]
    assert posted.cancel.call.key_header == deleted.cancel.call.key_header == "Idempotency-Key"


def test_a_call_about_a_job_goes_to_the_service_of_its_submit() -> None:
    """Unless it names another one."""
    found = work(OVER + "result: {service: other, endpoint: /r}", "service: other")
    assert found.poll.call.service is found.submit.service
    assert found.submit.service.name == "other"
    assert found.fetch is not None
    assert work(OVER + "result: {service: other, endpoint: /r}").fetch.call.service.name == "other"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "endpoint, is_link",
    [
        ("/jobs/{{ job.id }}", False),
        ("{{ variables.limit }}", False),
        ("$.links.self", True),
        ("{{ job.response.url }}", True),
        ("{{ job.response.url }}/status", False),
    ],
)
def test_one_expression_over_an_answer_is_a_link(endpoint: str, *, is_link: bool) -> None:
    """Such an endpoint is followed as a browser does; any other lies under the base."""
    found = work(f"id: $.id\npoll: {{endpoint: '{endpoint}'}}\ndone_when: $.over")
    assert (found.poll.link is not None) is is_link


@pytest.mark.parametrize(
    "more, kept",
    [
        ("", False),
        ("cancel: {endpoint: $.cancel_url}", True),
        ("cancel: {endpoint: /c, payload: {x: '{{ job.response.x }}'}}", True),
        ("cancel: {endpoint: /c, payload: {x: '{{ job.id }}'}}", False),
        ("result: '{{ job.response.x }}'", True),
        ("result: {endpoint: $.result_url}", False),
    ],
)
def test_the_submits_answer_is_kept_where_it_is_read_later(more: str, *, kept: bool) -> None:
    """Only then is it written into the task's state."""
    assert work(OVER + more).keeps_response is kept


@pytest.mark.parametrize(
    "rhythm, waits",
    [
        (("constant", 60), [2, 2, 2, 2]),
        (("linear", 5), [2, 4, 5, 5]),
        (("exponential", 10), [2, 4, 8, 10]),
        (("exponential", 1), [2, 2, 2, 2]),
    ],
)
def test_the_rhythm_of_polls(rhythm: tuple[str, int], waits: list[int]) -> None:
    """It grows from ``every`` to ``max_every``, and is never quicker than ``every``."""
    kind, longest = rhythm
    found = Rhythm(timedelta(seconds=2), kind, timedelta(seconds=longest))  # type: ignore[arg-type]
    assert [found.wait(polls).total_seconds() for polls in (1, 2, 3, 1000)][:3] == waits[:3]
    assert found.wait(10_000).total_seconds() == waits[3]


@pytest.mark.parametrize(
    "condition, warned",
    [
        ('$.status == "done"', True),
        ('response.body.status == "done"', True),
        ("$.over", True),
        ('$.status != "running"', False),
        ("response.body.status not in ['queued', 'running']", False),
        ('$.status == "done"\nfail_when: $.status == "failed"', False),
    ],
)
def test_a_poll_whose_terminal_states_are_not_covered_is_a_warning(condition: str, *, warned: bool) -> None:
    """It says at which poll, and what to write; a condition that names the states of a running job covers all."""
    warnings = planned(f"{POLL}done_when: {condition}").warnings
    assert [str(each).partition(": only")[0] for each in warnings] == [
        "jobs.yaml:16:13: warning: steps[1] 'a'.job.poll: a poll whose terminal states are not covered"
    ][: int(warned)]


@pytest.mark.parametrize(
    "job, step, message",
    [
        (POLL, "", "job: 'done_when' is missing"),
        ("done_when: $.over", "", "job: 'poll' is missing"),
        (POLL + "done_when: steps.login == 1", "", "job.done_when: the output of a step is not known here"),
        (POLL + "done_when: $.over\nprogress: run.id", "", "job.progress: 'run' is not known here"),
        (POLL + "done_when: job.id == 1", "", "job.done_when: unknown name 'job'"),
        (OVER + "cancel: {endpoint: /c, headers: {T: '{{ steps.login.token }}'}}", "", "the output of 'login' is"),
        (OVER + "cancel: {endpoint: $.url}", "", None),
        (OVER + "cancel: {endpoint: '{{ job.response.url }}'}", "sensitive: true", "the step is sensitive, so of"),
        (OVER + "progress: $.share", "sensitive: true", "job.progress: the step is sensitive, and its progress"),
        ("poll: {endpoint: '/j/{{ job.id }}'}\ndone_when: $.over", "", "'job.id' is read, and nothing says what it is"),
        (OVER + "result: {endpoint: /r, save_to: ../x}", "", "is not a path under the workflow's folder"),
        (OVER, "save_to: a.bin", "save_to: this would save the submit's answer"),
        (OVER + "cancel: {endpoint: /c, headers: {T: '${TOKEN}'}}", "", None),
        (OVER + "progress: ${TOKEN}", "", "a secret may not stand here"),
    ],
)
def test_what_cannot_be_right_is_told_where_it_stands(job: str, step: str, message: str | None) -> None:
    """A problem of the file, before any run; None: there is none."""
    if message is None:
        planned(job, step)
        return
    with pytest.raises(WorkflowError) as caught:
        planned(job, step)
    assert message in str(caught.value)
