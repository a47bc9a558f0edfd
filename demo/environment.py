"""The environment variables with which an Airflow of its own runs: its home, its ports, its pace.

All is told by ``AIRFLOW__SECTION__KEY``, nothing by a configuration file; what the surrounding shell says about
another Airflow is left out.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["LOCAL_BUNDLE", "WORKFLOW_BUNDLE", "Bundle", "Settings", "airflow_environment", "free_ports"]

LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
"""Airflow's own bundle: a folder of Python files."""
WORKFLOW_BUNDLE = "airflow_provider_gimme.bundles.WorkflowBundle"
"""Our bundle: a folder of workflow files."""

_REPOSITORY = Path(__file__).parents[1]

_PACE: Mapping[str, str] = {
    # the scheduler's loop, and how soon it sees what a killed component left behind
    "scheduler.scheduler_heartbeat_sec": "1",
    "scheduler.scheduler_idle_sleep_time": "0.2",
    "scheduler.scheduler_health_check_threshold": "10",
    "scheduler.orphaned_tasks_check_interval": "5",
    "scheduler.task_instance_heartbeat_timeout": "20",
    "scheduler.task_instance_heartbeat_timeout_detection_interval": "2",
    "scheduler.trigger_timeout_check_interval": "2",
    "scheduler.parsing_cleanup_interval": "5",
    "workers.min_heartbeat_interval": "4",
    "workers.missing_dag_retry_delay": "2",
    "workers.execution_api_retry_wait_min": "0.2",
    "workers.execution_api_timeout": "30",
    "triggerer.job_heartbeat_sec": "1",
    "triggerer.triggerer_health_check_threshold": "10",
    # how soon a changed file is a changed Dag: a file that changed is parsed at once, whatever the process interval
    "dag_processor.refresh_interval": "1",
    "dag_processor.bundle_refresh_check_interval": "1",
    "dag_processor.min_file_process_interval": "3600",
    "dag_processor.stale_dag_threshold": "5",
    "dag_processor.health_check_threshold": "10",
    "dag_processor.print_stats_interval": "0",
    # no Dag here has a callback, and after one Airflow 3.3 parses the Dag's file again and again for ever
    # (apache/airflow#73432)
    "dag_processor.max_callbacks_per_loop": "0",
    "core.min_serialized_dag_update_interval": "0",
    # what nobody here reads
    "scheduler.pool_metrics_interval": "3600",
    "scheduler.ti_metrics_interval": "3600",
    "scheduler.dagrun_metrics_interval": "3600",
    "metrics.statsd_on": "False",
}
"""Airflow's defaults wait for minutes; here somebody is looking on. Seconds, at most about 10 % of one core idle."""


@dataclass(frozen=True)
class Bundle:
    """Name one Dag bundle: the class to load and its keyword arguments (JSON)."""

    name: str
    classpath: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Return the entry for ``[dag_processor] dag_bundle_config_list``."""
        return {"name": self.name, "classpath": self.classpath, "kwargs": dict(self.kwargs)}


@dataclass(frozen=True)
class Settings:
    """What sets one Airflow apart from another. ``env`` wins over all the rest."""

    home: Path
    port: int
    execution_port: int
    log_ports: tuple[int, int]
    sql_alchemy_conn: str
    bundles: tuple[Bundle, ...] = ()
    plugins_folder: Path | None = None
    parallelism: int = 16
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of the API server and its UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def execution_url(self) -> str:
        """The address at which the tasks report; a server of its own, see `demo.instance.COMPONENTS`."""
        return f"http://127.0.0.1:{self.execution_port}/execution"


def free_ports(count: int) -> list[int]:
    """Find so many different loopback ports on which nothing listens at this moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def airflow_environment(settings: Settings) -> dict[str, str]:
    """Return the whole environment for every process of one Airflow; the keys are drawn anew at every call."""
    options = {**_PACE, **_identity(settings), **_addresses(settings)}
    variables = {f"AIRFLOW__{name.replace('.', '__').upper()}": value for name, value in options.items()}
    return {**_surroundings(), "AIRFLOW_HOME": str(settings.home), **variables, **settings.env}


def _identity(settings: Settings) -> dict[str, str]:
    home = settings.home
    return {
        "core.executor": "LocalExecutor",
        "core.parallelism": str(settings.parallelism),
        "core.load_examples": "False",
        "core.dags_folder": str(home / "dags"),
        "core.plugins_folder": str(settings.plugins_folder or home / "plugins"),
        "core.hostname_callable": "socket.gethostname",
        "core.simple_auth_manager_all_admins": "True",
        "core.fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "gimme.signing_key": secrets.token_urlsafe(32),
        "api.secret_key": secrets.token_urlsafe(32),
        "api_auth.jwt_secret": secrets.token_urlsafe(48),
        "database.sql_alchemy_conn": settings.sql_alchemy_conn,
        "logging.base_log_folder": str(home / "logs"),
        "logging.dag_processor_child_process_log_directory": str(home / "logs" / "dag_processor"),
        "dag_processor.dag_bundle_storage_path": str(home / "bundles"),
        "dag_processor.dag_bundle_config_list": json.dumps([bundle.describe() for bundle in settings.bundles]),
    }


def _addresses(settings: Settings) -> dict[str, str]:
    return {
        "api.host": "127.0.0.1",
        "api.port": str(settings.port),
        "api.base_url": settings.url,
        "core.execution_api_server_url": f"{settings.execution_url}/",
        "logging.worker_log_server_port": str(settings.log_ports[0]),
        "logging.trigger_log_server_port": str(settings.log_ports[1]),
    }


def _surroundings() -> dict[str, str]:
    """Return the shell's environment without what is about another Airflow, or slows the start of this one.

    Without compiled files (``PYTHONDONTWRITEBYTECODE``) every process takes twice as long to start.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    path = [str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]
    python_path = [str(_REPOSITORY), *filter(None, [inherited.get("PYTHONPATH", "")])]
    return {
        **inherited,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join(python_path),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
