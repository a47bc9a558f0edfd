"""How runs end on a running Airflow: what fails one, what does not, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.e2e.runs import PATIENCE, WEBHOOK_SECRET, Run, drop, own_text, set_variable, start
from tests.standins import StandIn
from tests.standins.webhooks import Delivery

pytestmark = pytest.mark.timeout(600)  # the first test waits for the runs of all

NAMES = ("ending_failed", "ending_tolerated", "ending_marked", "ending_untold", "ending_late", "ending_quiet")
RUNNING = frozenset({"running"})


@pytest.fixture(scope="module")
def api() -> Iterator[StandIn]:
    with StandIn(token=API_KEY, webhook_secret=WEBHOOK_SECRET) as started:
        started.fail("/api/endless", nth=None, hang=True)
        yield started


@pytest.fixture(scope="module")
def runs(airflow: AirflowInstance, workflows: Path, api: StandIn) -> dict[str, Run]:
    """Give a run of each workflow; all have begun side by side."""
    set_variable(airflow, "DERIVATIV_WEBHOOK_SECRET", WEBHOOK_SECRET)
    drop(airflow, workflows, {name: own_text(name, api.url) for name in NAMES})
    confs: dict[str, dict[str, Any]] = {"ending_tolerated": {"n": 2}, "ending_quiet": {"n": 2}}
    return {name: start(airflow, name, confs.get(name)) for name in NAMES}


def told(api: StandIn, run: Run) -> Delivery:
    """Return the one delivery about a run."""
    (delivery,) = [each for each in api.deliveries() if each.body["data"]["run_id"] == run.run_id]
    return delivery


def steps_of(delivery: Delivery) -> dict[str, str | None]:
    """Return the status of each step, as the delivery tells it."""
    return {step["name"]: step["status"] for step in delivery.body["data"]["steps"]}


class TestFailed:
    def test_a_failed_step_fails_the_run_although_that_was_told(self, runs: dict[str, Run], api: StandIn) -> None:
        """The webhook is delivered after the failure, and the run fails all the same."""
        run = runs["ending_failed"]
        assert run.wait() == "failed"
        assert run.states() == {
            "broken": "failed",
            "never": "upstream_failed",
            "catch": "success",
            "finally": "success",
            "notify": "success",
            "outcome": "failed",
        }

    def test_a_catch_and_a_finally_see_what_happened(self, runs: dict[str, Run], api: StandIn) -> None:
        """`run_on: failure` and `always` run after a failure and can read it; they do not heal the run."""
        run = runs["ending_failed"]
        run.wait()
        assert run.xcom("catch") == {"status": "failed", "code": 404}
        assert run.xcom("finally") == {"before": "upstream_failed"}

    def test_a_failure_is_told_signed(self, runs: dict[str, Run], api: StandIn) -> None:
        """The delivery is of type `run.failed`, is signed, and tells every step's status and error."""
        run = runs["ending_failed"]
        run.wait()
        delivery = told(api, run)
        assert (delivery.signed, delivery.body["type"], delivery.duplicate) == (True, "run.failed", False)
        assert steps_of(delivery) == {
            "broken": "failed",
            "never": "upstream_failed",
            "catch": "success",
            "finally": "success",
        }
        (error,) = [step["error"] for step in delivery.body["data"]["steps"] if step["error"]]
        assert (error["type"], error["status"], error["attempts"]) == ("status", 404, 1)
        assert delivery.body["data"]["workflow"] == "ending_failed"
        assert delivery.body["data"]["started"] < delivery.body["data"]["ended"]

    def test_the_outcome_says_which_step_it_was(self, runs: dict[str, Run]) -> None:
        """The error of the last task names the step that failed, its error, and what did not run because of it."""
        run = runs["ending_failed"]
        run.wait()
        log = "\n".join(run.airflow.logs(run.dag_id, run.run_id, "outcome").splitlines())
        assert "step 'broken' failed: GET" in log
        assert "not run because of that: never" in log


class TestTolerated:
    def test_skipped_and_tolerated_steps_do_not_fail_the_run(self, runs: dict[str, Run], api: StandIn) -> None:
        """A false condition, `enabled: false` and a tolerated failure leave a step skipped and the run successful."""
        run = runs["ending_tolerated"]
        assert run.wait() == "success"
        assert run.states() == {
            "tolerated": "skipped",
            "condition_false": "skipped",
            "condition_true": "success",
            "disabled": "skipped",
            "disabled_by_flag": "skipped",
            "no_failure": "skipped",
            "always": "success",
            "result": "success",
            "notify": "success",
            "outcome": "success",
        }
        assert len([call for call in api.calls("/api/documents") if call.instance == run.run_id]) == 1

    def test_a_tolerated_failure_is_told_as_such(self, runs: dict[str, Run], api: StandIn) -> None:
        """The delivery is of type `run.tolerated`, with the tolerated step's error and the workflow's outputs."""
        run = runs["ending_tolerated"]
        run.wait()
        delivery = told(api, run)
        assert (delivery.signed, delivery.body["type"]) == (True, "run.tolerated")
        assert steps_of(delivery)["tolerated"] == "tolerated"
        assert steps_of(delivery)["condition_false"] == "skipped"
        assert delivery.body["data"]["outputs"]["code"] == 404

    def test_the_result_comes_with_the_end(self, runs: dict[str, Run]) -> None:
        """Airflow's own request that waits for a run returns the workflow's outputs, with their types."""
        answer = runs["ending_tolerated"].result()
        assert answer["state"] == "success"
        assert answer["results"] == {
            "result": {
                "n": 2,
                "documents": [],
                "skipped": None,
                "tolerated": "tolerated",
                "code": 404,
                "before": "skipped",
            }
        }


class TestMarked:
    def test_a_run_marked_as_failed_ends_so_and_is_told(self, runs: dict[str, Run], api: StandIn) -> None:
        """`Mark as failed`, as the UI asks for it, stops the step, and the run ends as failed with its notification."""
        run = runs["ending_marked"]
        run.airflow.wait_task(run.dag_id, run.run_id, "endless", RUNNING, PATIENCE)
        run.airflow.wait(lambda: _open(api, run) or None, "the call that does not end", PATIENCE)
        run.airflow.patch(f"dags/{run.dag_id}/dagRuns/{run.run_id}", {"state": "failed"})
        run.airflow.wait_task(run.dag_id, run.run_id, "outcome", frozenset({"failed"}), PATIENCE)
        assert run.wait() == "failed"
        assert (run.states()["notify"], run.states()["outcome"]) == ("success", "failed")
        assert (told(api, run).signed, told(api, run).body["type"]) == (True, "run.failed")
        run.airflow.wait(lambda: not _open(api, run) or None, "the end of the call", PATIENCE)


def _open(api: StandIn, run: Run) -> list[Any]:
    return [call for call in api.ledger().open_now() if call.instance == run.run_id]


class TestUntold:
    def test_an_undelivered_webhook_shows_and_does_not_fail_the_run(self, runs: dict[str, Run], api: StandIn) -> None:
        """A delivery that nobody takes fails its task, which says why, and the run succeeds."""
        run = runs["ending_untold"]
        assert run.wait() == "success"
        assert run.states() == {"read": "success", "notify": "failed", "outcome": "success"}
        (line,) = [line for line in run.whole_log("notify") if line.startswith(f"POST {api.url}/webhooks/nobody → ")]
        assert "→ 404" in line
        assert "not tried again" in line


class TestQuiet:
    def test_an_end_that_nobody_wants_to_hear_of_is_not_told(self, runs: dict[str, Run], api: StandIn) -> None:
        """With `on_success: false` a run that succeeds is told to nobody, and its result is that of its last step."""
        run = runs["ending_quiet"]
        assert run.result() == {"state": "success", "results": {"compute": {"sum": 3}}}
        assert run.states() == {"compute": "success", "notify": "skipped", "outcome": "success"}
        assert [each for each in api.deliveries() if each.body["data"]["run_id"] == run.run_id] == []


class TestLate:
    def test_the_time_of_the_run_ends_its_steps(self, runs: dict[str, Run], api: StandIn) -> None:
        """A step may take what is left of the run's time, one that begins later fails at once; the end is told."""
        run = runs["ending_late"]
        assert run.wait() == "failed"
        assert run.states() == {"endless": "failed", "too_late": "failed", "notify": "success", "outcome": "failed"}
        errors = {step["name"]: step["error"] for step in told(api, run).body["data"]["steps"]}
        assert {name: error["type"] for name, error in errors.items()} == {
            "endless": "run_timeout",
            "too_late": "run_timeout",
        }
        assert "the run's timeout of 8s is used up" in errors["too_late"]["message"]
        assert [call for call in api.calls("/api/documents") if call.instance == run.run_id] == []
