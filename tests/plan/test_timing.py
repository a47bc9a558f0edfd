"""How long a run may take."""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.timing import critical_path

TEXT = """
name: w
api_base: https://api.example
steps:
  - {name: a, timeout: 10s, depends_on: []}
  - {name: b, timeout: 1m, depends_on: [a]}
  - {name: c, timeout: 2m, depends_on: []}
  - {name: d, timeout: 5s, depends_on: [b, c]}
"""


def test_the_critical_path_is_the_longest_chain_of_limits() -> None:
    """Of two chains the one with the larger sum counts, not the one with more steps."""
    path = critical_path(plan_text(TEXT, "w.yaml").steps)
    assert path.steps == ("c", "d")
    assert path.length == timedelta(minutes=2, seconds=5)
    assert path.unbounded == ()


JOB = """
name: w
api_base: https://api.example
steps:
  - name: a
    type: job
    endpoint: /jobs
    job:
      id: $.id
      poll: {endpoint: "/jobs/{{ job.id }}", timeout: 20m}
      done_when: $.over
      fail_when: $.bad
      result: RESULT
  - {name: b, depends_on: [a], timeout: 1m}
"""


def test_a_job_counts_as_long_as_it_is_waited_for() -> None:
    """What ends a job without a limit of its own is the limit of its polls; fetching the result comes on top."""
    path = critical_path(plan_text(JOB.replace("RESULT", "$.rows"), "w.yaml").steps)
    assert (path.length, path.unbounded) == (timedelta(minutes=21), ())
    fetched = '{endpoint: "/jobs/{{ job.id }}/rows", timeout: 2m}'
    assert critical_path(plan_text(JOB.replace("RESULT", fetched), "w.yaml").steps).length == timedelta(minutes=23)
