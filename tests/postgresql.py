"""A PostgreSQL of a test's own: a fresh server on a free loopback port, without a password, gone with the test."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["find_postgresql", "run_postgresql"]


def find_postgresql() -> Path | None:
    """Return the folder of PostgreSQL's programs, where Debian puts them or on the path; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def run_postgresql(programs: Path) -> Iterator[str]:
    """Run a server and give the SQLAlchemy address of its empty database; it forgets everything when it ends."""
    home = Path(tempfile.mkdtemp(prefix="gimme-postgresql-"))
    try:
        _call(home, programs / "initdb", "-D", "data", "-U", "gimme", "--auth=trust", "--no-sync", "--encoding=UTF8")
        port = _free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        _call(home, programs / "pg_ctl", "-D", "data", "-w", "-o", options, "-l", "log", "start")
        try:
            yield f"postgresql+psycopg2://gimme@127.0.0.1:{port}/postgres"
        finally:
            _call(home, programs / "pg_ctl", "-D", "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _call(home: Path, program: Path, *arguments: str) -> None:
    """Run one of PostgreSQL's programs in its home; none of them may be root's."""
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        postgres = pwd.getpwnam("postgres")
        os.chown(home, postgres.pw_uid, postgres.pw_gid)
        user = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
    output = home / "output"
    with output.open("wb") as file:
        done = subprocess.run([str(program), *arguments], stdout=file, stderr=file, cwd=home, check=False, **user)
    if done.returncode:
        raise RuntimeError(f"{program.name} failed with {done.returncode}: {output.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
