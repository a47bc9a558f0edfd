"""The metadata database of a fresh Airflow, copied rather than migrated.

``airflow db migrate`` takes as long as the whole rest of the start. Its result on an empty SQLite is always the
same for one version of Airflow, so it is made once, kept beside the interpreter, and copied.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from demo.errors import InstanceError

__all__ = ["WRITER_WAIT", "airflow_command", "migrate", "prepare_sqlite", "sqlite_url"]

WRITER_WAIT = timedelta(seconds=30)
"""How long a writer waits for another one before SQLite gives up."""


def airflow_command() -> str:
    """Return the path of Airflow's command beside this interpreter; InstanceError where it is not installed."""
    command = Path(sys.executable).with_name("airflow")
    if not command.exists():
        raise InstanceError(f"{command} does not exist: install Airflow there first (make install)")
    return str(command)


def sqlite_url(path: Path) -> str:
    """Return the SQLAlchemy address of a SQLite file; a writer waits up to `WRITER_WAIT` for another one."""
    return f"sqlite:///{path}?timeout={WRITER_WAIT.total_seconds():g}"


def prepare_sqlite(path: Path, environment: Mapping[str, str]) -> None:
    """Write a fresh, migrated metadata database to ``path``."""
    template = _template_path()
    if not template.exists():
        _make_template(template, environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)


def migrate(environment: Mapping[str, str]) -> None:
    """Bring the database that the environment names to this version of Airflow."""
    command = [airflow_command(), "db", "migrate"]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InstanceError(f"`airflow db migrate` failed with {done.returncode}:\n{done.stderr[-4000:]}")


def _template_path() -> Path:
    return Path(sys.prefix) / "var" / f"airflow-{version('apache-airflow-core')}.db"


def _make_template(template: Path, environment: Mapping[str, str]) -> None:
    """Migrate an empty database in a folder of its own and move it into place, whole or not at all."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        fresh = Path(folder) / "airflow.db"
        own = {"AIRFLOW_HOME": folder, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sqlite_url(fresh)}
        migrate({**environment, **own})
        fresh.replace(template)
