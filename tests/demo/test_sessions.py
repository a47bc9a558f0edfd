"""Whatever a started process starts itself is found and ended with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from demo.sessions import Session, end_sessions, kill_members, session_members

# A leader that ignores SIGTERM, with a child in a group of its own, as Airflow's supervisors and tasks are.
_STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
print("up", flush=True)
time.sleep(600)
"""


def _start(tmp_path: Path, program: str) -> Session:
    return Session([sys.executable, "-c", program], env=os.environ, cwd=tmp_path, log=tmp_path / "log")


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    """Tell whether a process runs; one that has ended may still wait for its parent to ask."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_stubborn_process_and_its_children_end(tmp_path: Path) -> None:
    """Processes that ignore SIGTERM or left their parent's group are killed after the grace."""
    session = _start(tmp_path, _STUBBORN)
    _until(lambda: session.log.read_text().count("up") == 2)
    members = session_members({session.pid})
    assert len(members) == 2
    end_sessions([session], timedelta(seconds=0.1))
    assert not [pid for pid in members if _runs(pid)]


def test_the_children_of_a_killed_leader_are_still_found(tmp_path: Path) -> None:
    """A leader killed with -9 leaves its child, and ending the session ends the child without waiting."""
    session = _start(tmp_path, _STUBBORN)
    _until(lambda: session.log.read_text().count("up") == 2)
    session.signal(signal.SIGKILL)
    assert session.wait(timedelta(seconds=5))
    (orphan,) = session_members({session.pid})
    begun = time.monotonic()
    end_sessions([session], timedelta(seconds=30))
    assert time.monotonic() - begun < 5
    assert not _runs(orphan)


def test_an_obedient_process_may_end_by_itself(tmp_path: Path) -> None:
    """A process gets its grace: what it does on SIGTERM is done."""
    program = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: exit(print("bye")))
print("up", flush=True)
time.sleep(600)
"""
    session = _start(tmp_path, program)
    _until(lambda: "up" in session.log.read_text())
    end_sessions([session], timedelta(seconds=10))
    assert session.tail(1) == "bye"


@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), 9)", "os._exit(3)", "guard.close()"])
def test_the_guard_ends_the_sessions_of_a_program_however_it_ends(tmp_path: Path, ending: str) -> None:
    """A program killed with -9 takes its sessions along, but not one that it has ended and forgotten."""
    program = textwrap.dedent(
        f"""
        import os, sys
        from pathlib import Path
        from demo.guard import Guard
        from demo.sessions import Session
        guard = Guard()
        sleep = [sys.executable, "-c", "import time; time.sleep(30)"]
        kept, forgotten = (Session(sleep, env=os.environ, cwd=Path("/"), log=Path("log")) for _ in range(2))
        guard.add(kept.pid)
        guard.add(forgotten.pid)
        guard.remove(forgotten.pid)
        print(kept.pid, forgotten.pid, flush=True)
        {ending}
        """
    )
    repository = str(Path(__file__).parents[2])
    command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", program]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": repository}, capture_output=True, text=True, check=False
    )
    kept, forgotten = map(int, done.stdout.split())
    try:
        _until(lambda: not session_members({kept}))
        assert session_members({forgotten}) == [forgotten]
    finally:
        kill_members({kept, forgotten})
