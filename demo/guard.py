"""End the sessions of a program that ended without ending them itself (``kill -9``, a crash).

The program starts this module as a process and holds the other end of its standard input, on which it writes
``+ID`` for each session that it starts and ``-ID`` for each that it has ended. When the pipe is closed, because
the program ended in whatever way, the sessions still listed are killed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from demo.sessions import kill_members

__all__ = ["Guard", "watch"]


class Guard:
    """Hold the watching process; it ends when this is closed or when the program that made it ends."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "demo.guard"],
            cwd=Path(__file__).parents[1],
            stdin=reader,
            start_new_session=True,  # a Ctrl-C in the terminal is not for it
        )
        os.close(reader)
        self._pipe = os.fdopen(writer, "w", buffering=1)

    def add(self, session_id: int) -> None:
        """Have this session ended when the program ends."""
        self._tell(f"+{session_id}\n")

    def remove(self, session_id: int) -> None:
        """Forget a session that has ended."""
        self._tell(f"-{session_id}\n")

    def close(self) -> None:
        """End the watching process, and with it every session still listed."""
        self._pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        self._pipe.write(line)


def watch(lines: TextIO) -> set[int]:
    """Read the lines until the pipe is closed; return the sessions that were not ended."""
    sessions: set[int] = set()
    for line in lines:
        session_id = int(line[1:])
        if line.startswith("+"):
            sessions.add(session_id)
        else:
            sessions.discard(session_id)
    return sessions


if __name__ == "__main__":
    sys.exit(1 if kill_members(watch(sys.stdin)) else 0)
