"""A whole Airflow of one's own on this machine: started, looked into, broken, mended and ended by a program.

Every component is a process whose id is known, because tests kill them one by one; ``airflow standalone`` leaves
its children alive when it is stopped and gives none of them away.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import httpx

from demo.api import AirflowApi
from demo.database import airflow_command, migrate, prepare_sqlite, sqlite_url
from demo.environment import Bundle, Settings, airflow_environment, free_ports
from demo.errors import ApiError, InstanceError
from demo.guard import Guard
from demo.sessions import Session, end_sessions, session_members

__all__ = ["COMPONENTS", "AirflowInstance", "Component"]

Component = Literal["api-server", "execution-api", "scheduler", "dag-processor", "triggerer"]

COMPONENTS: Final[tuple[Component, ...]] = ("api-server", "execution-api", "scheduler", "dag-processor", "triggerer")
"""What an Airflow consists of, in the order of the start.

People and tasks have an API server each. In one process, Airflow's audit log waits for SQLite's only writer on the
event loop, on which that writer, a request of a task, waits to commit: both hang until SQLite gives up.
"""

_ARGUMENTS: Mapping[Component, tuple[str, ...]] = {
    "api-server": ("api-server", "--apps", "core"),
    "execution-api": ("api-server", "--apps", "execution"),
    "dag-processor": ("dag-processor",),
    # their log servers listen on every address; the API server reads the files itself
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_HEALTH: Mapping[Component, tuple[str, str]] = {
    "scheduler": ("scheduler", "latest_scheduler_heartbeat"),
    "dag-processor": ("dag_processor", "latest_dag_processor_heartbeat"),
    "triggerer": ("triggerer", "latest_triggerer_heartbeat"),
}
_START_TIMEOUT = timedelta(seconds=120)
_POLL_SECONDS = 0.1


class AirflowInstance(AirflowApi):
    """Run Airflow in ``home`` with LocalExecutor, on SQLite or the given database, on free loopback ports.

    ``env`` is added to the environment of every component and wins over all settings (``AIRFLOW__SECTION__KEY``).
    Whoever reaches the port is an administrator; it listens on 127.0.0.1 alone. Everything started ends with
    `stop`, with the ``with`` block, or with the program, however that ends. The methods of `AirflowApi` work from
    `start` on.

    A pickled copy speaks to the same Airflow from another program; it has none of its processes, and ends none.
    """

    def __init__(
        self,
        home: Path,
        *,
        bundles: Iterable[Bundle] = (),
        plugins_folder: Path | None = None,
        env: Mapping[str, str] | None = None,
        sql_alchemy_conn: str | None = None,
        parallelism: int = 16,
    ) -> None:
        home = home.resolve()
        port, execution_port, *log_ports = free_ports(4)
        settings = Settings(
            home=home,
            port=port,
            execution_port=execution_port,
            log_ports=(log_ports[0], log_ports[1]),
            sql_alchemy_conn=sql_alchemy_conn or sqlite_url(home / "airflow.db"),
            bundles=tuple(bundles),
            plugins_folder=plugins_folder,
            parallelism=parallelism,
            env=dict(env or {}),
        )
        self.__setstate__((settings, airflow_environment(settings)))

    def __getstate__(self) -> tuple[Settings, dict[str, str]]:
        return self.settings, self.environment

    def __setstate__(self, state: tuple[Settings, dict[str, str]]) -> None:
        self.settings, self.environment = state
        self.home = self.settings.home
        file = self.home / "airflow.db"
        self.database = file if self.settings.sql_alchemy_conn == sqlite_url(file) else None
        self._sessions: dict[Component, Session] = {}
        self._started: list[Session] = []
        self._guard: Guard | None = None
        super().__init__(self.settings.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def start(self, timeout: timedelta = _START_TIMEOUT) -> None:
        """Prepare home and database, start all components, and return when all of them have reported healthy.

        Raises InstanceError with the end of its log where a component ends or stays silent; nothing runs then.
        """
        self._prepare()
        self._guard = Guard()
        try:
            for component in COMPONENTS:
                self._launch(component)
            self._wait_ready(COMPONENTS, datetime.now(UTC) - timedelta(seconds=1), timeout)
        except BaseException:
            self.stop(grace=timedelta(0))
            raise

    def stop(self, grace: timedelta = timedelta(seconds=3)) -> None:
        """End every process that this Airflow started, tasks included, and raise InstanceError if one is left."""
        self.close()
        if self._guard is None:
            return
        try:
            end_sessions(self._started, grace)
        finally:
            self._guard.close()
            self._guard = None
            self._started.clear()
            self._sessions.clear()

    def pid(self, component: Component) -> int:
        """Return the process id of a component's main process."""
        return self._session(component).pid

    def is_running(self, component: Component) -> bool:
        """Tell whether a component's main process runs."""
        return self._session(component).running()

    def processes(self) -> list[int]:
        """List all processes of this Airflow that run: components, executor workers, supervisors, tasks."""
        return session_members({session.pid for session in self._started})

    def kill(self, component: Component, number: int = signal.SIGKILL) -> None:
        """Send a signal to a component's main process alone and wait until it has ended; its children may live on."""
        session = self._session(component)
        session.signal(number)
        if not session.wait(timedelta(seconds=30)):
            raise InstanceError(f"{component} (process {session.pid}) did not end on signal {number}")

    def restart(self, *components: Component, timeout: timedelta = _START_TIMEOUT) -> None:
        """Start components that have ended, or end them and start them again; return when all have reported healthy."""
        for component in components:
            if self._session(component).running():
                self.kill(component, signal.SIGTERM)
        begun = datetime.now(UTC)
        for component in components:
            self._launch(component)
        self._wait_ready(components, begun, timeout)

    def airflow(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Airflow's command line against this instance; InstanceError on a failure unless ``check`` is False."""
        command = [airflow_command(), *arguments]
        done = subprocess.run(command, env=self.environment, cwd=self.home, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise InstanceError(
                f"`airflow {' '.join(arguments)}` failed with {done.returncode}:\n{done.stderr[-4000:]}"
            )
        return done

    def component_log(self, component: Component) -> Path:
        """Return the file with the output of a component; the scheduler's holds its tasks' output too."""
        return self.home / "components" / f"{component}.log"

    def _prepare(self) -> None:
        for folder in ("dags", "plugins", "logs"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "airflow.cfg").touch()  # else each component would write its own, at the same time
        if self.database is not None:
            prepare_sqlite(self.database, self.environment)
        else:
            migrate(self.environment)

    def _launch(self, component: Component) -> None:
        command = [airflow_command(), *_ARGUMENTS[component]]
        if component == "execution-api":
            command += ["--port", str(self.settings.execution_port)]
        session = Session(command, env=self.environment, cwd=self.home, log=self.component_log(component))
        self._started.append(session)
        self._sessions[component] = session
        if self._guard is not None:
            self._guard.add(session.pid)

    def _session(self, component: Component) -> Session:
        if component not in self._sessions:
            raise InstanceError(f"{component} was not started: the instance is not running")
        return self._sessions[component]

    def _wait_ready(self, components: Iterable[Component], since: datetime, timeout: timedelta) -> None:
        missing = list(components)
        deadline = time.monotonic() + timeout.total_seconds()
        while missing := [component for component in missing if not self._ready(component, since)]:
            self._check_running(missing)
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {name} ---\n{self._session(name).tail()}" for name in missing)
                raise InstanceError(f"not ready after {timeout.total_seconds():g} s: {', '.join(missing)}\n{tails}")
            time.sleep(_POLL_SECONDS)

    def _check_running(self, components: Iterable[Component]) -> None:
        for component in components:
            session = self._session(component)
            if not session.running():
                raise InstanceError(f"{component} ended instead of starting; its log ends with:\n{session.tail()}")

    def _ready(self, component: Component, since: datetime) -> bool:
        """Tell whether a component has reported since then."""
        try:
            if component == "execution-api":
                return self._answers()
            if component == "api-server":
                return bool(self.health())
            section, key = _HEALTH[component]
            heartbeat = self.health()[section][key]
        except (httpx.TransportError, ApiError):  # the API server does not answer yet, or not yet sensibly
            return False
        return heartbeat is not None and datetime.fromisoformat(heartbeat) >= since

    def _answers(self) -> bool:
        """Ask what the workers will ask: the first such request takes seconds, which no task shall wait for."""
        return self._http.get(f"{self.settings.execution_url}/health").is_success
