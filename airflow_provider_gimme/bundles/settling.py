"""Change a stub only while Airflow is not reading it.

Airflow notes a parsed Dag under the bundle's version at the moment when it *collects* the result, not when it began.
A parse of the old text that ends after a refresh would be noted under the new version: runs that begin then have the
old tasks and the new code. So a changed stub waits until the last parse of its Dag is noted and the next is not due.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

__all__ = ["LONGEST_WAIT_SECONDS", "SUFFIX", "LastParsed", "Settling"]

SUFFIX = ".workflow.py"
"""What a Dag's stub has after the Dag's id."""

LONGEST_WAIT_SECONDS = 60.0
"""After this a change is published in any case."""

_MARGIN_SECONDS = 1.0

LastParsed = Callable[[Collection[str]], Mapping[str, float] | None]
"""Tells when Airflow noted its last parse of each of some Dags, in seconds since 1970; None if that is not known."""


class Settling:
    """Holds changes back, over the refreshes of one Dag processor.

    ``interval`` is Airflow's ``min_file_process_interval``, in seconds: below 3 there is no quiet time to wait for.
    """

    def __init__(self, last_parsed: LastParsed, interval: float) -> None:
        self._last_parsed = last_parsed
        self._quiet = interval - _MARGIN_SECONDS if interval >= 3 else 0.0
        self._began: float | None = None
        self._waiting: dict[str, float] = {}

    def hold(self, root: Path, files: Mapping[str, bytes], now: float) -> tuple[dict[str, bytes], bool]:
        """Return ``files`` with the present content of those that must wait, and whether there are any.

        The first call holds nothing: nothing is being parsed then.
        """
        first, self._began = self._began is None, self._began or now
        changed = {} if first or not self._quiet else _changed(root, files)
        parsed = self._last_parsed([path.removesuffix(SUFFIX) for path in changed]) if changed else {}
        if parsed is None:
            return dict(files), False
        held = {path: old for path, old in changed.items() if self._must_wait(root / path, parsed, now)}
        self._waiting = {path: self._waiting.get(path, now) for path in held}
        held = {path: old for path, old in held.items() if now - self._waiting[path] < LONGEST_WAIT_SECONDS}
        return {**files, **held}, bool(held)

    def _must_wait(self, stub: Path, parsed: Mapping[str, float], now: float) -> bool:
        noted = parsed.get(stub.name.removesuffix(SUFFIX), 0.0)
        written = max(stub.stat().st_mtime, self._began or 0.0)
        return noted < written or now - noted >= self._quiet


def _changed(root: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the present content of the Dag stubs that would change."""
    present = {path: root / path for path in files if path.endswith(SUFFIX) and (root / path).is_file()}
    contents = {path: file.read_bytes() for path, file in present.items()}
    return {path: content for path, content in contents.items() if content != files[path]}
