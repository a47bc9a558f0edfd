"""Run one workflow on a real Airflow against a stand-in API, and watch it: ``python -m demo [--exit]``.

Exit status: 0 when the run succeeded, 1 when it did not or the demo could not be run, 130 after a Ctrl-C before the end
of the run.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from types import FrameType
from typing import NoReturn

from demo.api import FINAL_STATES
from demo.errors import DemoError
from demo.faults import set_faults
from demo.instance import COMPONENTS, AirflowInstance
from demo.progress import Progress
from demo.stage import DAG_ID, airflow_of_the_demo, fresh_home, workflow_file
from demo.steps import Step, StepReader
from demo.summary import Summary, summarize
from tests.standins import StandIn

__all__ = ["main"]

_RUN_TIMEOUT = timedelta(minutes=5)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Run the example workflow on a real Airflow.")
    parser.add_argument("--exit", action="store_true", help="end when the run has ended, instead of keeping the UI up")
    leave = parser.parse_args(arguments).exit
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return _demonstrate(stay=not leave)
    except KeyboardInterrupt:
        _say("\nInterrupted; everything that was started has ended.")
        return 130
    except (DemoError, RuntimeError, OSError) as error:
        sys.stderr.write(f"\nThe demo could not be run: {error}\n")
        return 1


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave by way of every ``finally``, as a Ctrl-C does."""
    raise SystemExit(128 + number)


def _demonstrate(*, stay: bool) -> int:
    begun = time.monotonic()
    workflow = workflow_file()
    with ExitStack() as stack:
        home = stack.enter_context(fresh_home())
        standin = stack.enter_context(StandIn("derivativ", question_seconds=0.2, document_seconds=1))
        _say(f"The stand-in API listens on {standin.url}. It will have its faults:")
        for fault in set_faults(standin):
            _say(f"  - {fault}")
        _say(f"\nAirflow starts in {home} (about half a minute) ...")
        airflow = stack.enter_context(airflow_of_the_demo(home, standin))
        _say(f"Airflow is up after {time.monotonic() - begun:.0f} s: {airflow.url}\n")
        airflow.wait_dag(DAG_ID, file=workflow.name)
        _say(f"Running {workflow.name}:\n")
        succeeded = _run(airflow, standin)
        if stay:
            _stay(airflow)
    return 0 if succeeded else 1


def _run(airflow: AirflowInstance, standin: StandIn) -> bool:
    begun = time.monotonic()
    run_id = airflow.trigger(DAG_ID)
    steps = _watch(airflow, run_id, begun)
    state = airflow.run_state(DAG_ID, run_id)
    for step in steps:
        if step.state == "failed":
            _tell_failure(airflow, run_id, step)
    stored = standin.state()
    dag = airflow.get(f"dags/{DAG_ID}")
    next_run = dag["next_dagrun_run_after"]
    summary = Summary(
        state=state,
        seconds=time.monotonic() - begun,
        ledger=standin.ledger(),
        stored=stored["stored"],
        questions=len(stored["questions"]),
        deliveries=stored["deliveries"],
        next_run=datetime.fromisoformat(next_run) if next_run else None,
        url=f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}",
    )
    _say(f"\n{summarize(summary)}\n")
    return state == "success"


def _watch(airflow: AirflowInstance, run_id: str, begun: float) -> list[Step]:
    """Show the steps until the run has ended, and return them as they ended."""
    reader = StepReader(airflow, DAG_ID, run_id)
    progress = Progress(sys.stdout, live=sys.stdout.isatty())
    while True:
        ended = airflow.run_state(DAG_ID, run_id) in FINAL_STATES
        steps = reader.read()
        elapsed = time.monotonic() - begun
        progress.show(steps, elapsed)
        if ended:
            return steps
        if elapsed > _RUN_TIMEOUT.total_seconds():
            raise DemoError(f"the run has not ended after {_RUN_TIMEOUT}; the logs are in {airflow.home / 'logs'}")
        time.sleep(0.5)


def _tell_failure(airflow: AirflowInstance, run_id: str, step: Step) -> None:
    attempt = airflow.task_instances(DAG_ID, run_id)[step.name]["try_number"]
    records = airflow.log_records(DAG_ID, run_id, step.name, attempt)
    _say(f"\n{step.name} failed:")
    for record in records:
        if record.get("level") in {"error", "critical"}:
            _say(f"    {record['event']}")
            for error in record.get("error_detail") or ():
                _say(f"    {error['exc_type']}: {error['exc_value']}")
    _say(f"The logs are in {airflow.home / 'logs'}.")


def _stay(airflow: AirflowInstance) -> None:
    """Keep Airflow up until a Ctrl-C, or until one of its components has ended."""
    _say("The UI stays up; no password is asked for, as only this machine reaches it. Ctrl-C ends everything.")
    try:
        while all(airflow.is_running(component) for component in COMPONENTS):
            time.sleep(1)
        _say("A component of Airflow has ended; so does the demo.")
    except KeyboardInterrupt:
        _say("\nEnding Airflow and the stand-in ...")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
