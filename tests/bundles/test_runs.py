"""What a bundle asks of Airflow's database, in processes with one and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json
from datetime import datetime, timezone
from airflow import settings
from airflow.models.base import Base
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType
from airflow_provider_gimme.bundles.runs import dags_with_runs, last_parsed

no_tables = [dags_with_runs(["a"]), last_parsed(["a"])]
Base.metadata.create_all(settings.engine)
parsed = datetime(2030, 1, 1, tzinfo=timezone.utc)
states = {"q": DagRunState.QUEUED, "r": DagRunState.RUNNING, "s": DagRunState.SUCCESS, "f": DagRunState.FAILED}
with create_session() as session:
    session.add(DagBundleModel(name="flows"))
    session.flush()
    for dag_id, state in states.items():
        time = None if dag_id == "f" else parsed
        session.add(DagModel(dag_id=dag_id, bundle_name="flows", last_parsed_time=time))
        session.flush()
        session.add(DagRun(dag_id=dag_id, run_id=dag_id, run_type=DagRunType.MANUAL, state=state, run_after=parsed))
asked = [[*map(sorted, map(dags_with_runs, (["q", "s", "f", "x"], [*states], ["s"])))], last_parsed(["q", "f", "x"])]

from airflow.sdk.execution_time.supervisor import block_orm_access
block_orm_access()
print("RESULT", json.dumps([no_tables, asked, [dags_with_runs(["q"]), last_parsed(["q"])]]))
"""


def test_runs_and_parses_are_told_where_there_is_a_database(tmp_path: Path) -> None:
    """Queued and running runs count; a process whose database is closed, as a task's is, or empty, tells nothing."""
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False)
    result = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), "")
    assert result, done.stderr
    no_tables, asked, blocked = json.loads(result.removeprefix("RESULT "))
    assert no_tables == [None, None]
    assert asked == [[["q"], ["q", "r"], []], {"q": 1_893_456_000.0}]
    assert blocked == [None, None]
