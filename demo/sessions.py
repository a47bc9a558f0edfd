"""Processes that lead a session of their own, so that all they start can be found and ended.

A process group is not enough: Airflow's supervisors give each task a group of its own, and a child outlives a
parent that is killed. All of them stay in the session of the process that was started here (``setsid(2)``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import psutil

from demo.errors import InstanceError

__all__ = ["Session", "end_sessions", "kill_members", "session_members"]

_POLL_SECONDS = 0.05


class Session:
    """One started process, the leader of its session; its output goes to the file ``log``.

    The leader is not reaped before its session is empty, so its process id cannot come to mean another process.
    """

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> None:
        self.log = log
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def running(self) -> bool:
        """Tell whether the leader itself still runs; its children may outlive it."""
        if self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def signal(self, number: int) -> None:
        """Send a signal to the leader alone, if it still runs."""
        if self.running():
            os.kill(self.pid, number)

    def wait(self, timeout: timedelta) -> bool:
        """Wait until the leader has ended; tell whether it has."""
        deadline = time.monotonic() + timeout.total_seconds()
        while self.running() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return not self.running()

    def reap(self) -> None:
        """Collect the ended leader; call it when nothing of the session is left."""
        self._process.wait()

    def tail(self, lines: int = 25) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def session_members(session_ids: Collection[int]) -> list[int]:
    """List the processes of these sessions that still run, zombies left out."""
    return [pid for pid in psutil.pids() if _belongs(pid, session_ids)]


def _belongs(pid: int, session_ids: Collection[int]) -> bool:
    try:
        return os.getsid(pid) in session_ids and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):  # it has ended meanwhile, or it is not ours to look at
        return False


def kill_members(session_ids: Collection[int], timeout: timedelta = timedelta(seconds=10)) -> list[int]:
    """Kill all processes of these sessions, also those that appear meanwhile; return what is left (normally none)."""
    deadline = time.monotonic() + timeout.total_seconds()
    while (left := session_members(session_ids)) and time.monotonic() < deadline:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_POLL_SECONDS)
    return left


def end_sessions(sessions: Iterable[Session], grace: timedelta) -> None:
    """Ask the leaders to end, wait up to ``grace`` until all have, kill whatever is left of the sessions, and reap.

    Raises InstanceError naming the processes that could not be ended.
    """
    ours = list(sessions)
    ids = {session.pid for session in ours}
    for session in ours:
        session.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace.total_seconds()
    while time.monotonic() < deadline and any(session.running() for session in ours):
        time.sleep(_POLL_SECONDS)
    if left := kill_members(ids):
        raise InstanceError(f"processes {left} of the sessions {sorted(ids)} could not be ended")
    for session in ours:
        session.reap()
