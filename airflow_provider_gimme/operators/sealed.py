"""Records that nobody but the task itself may read, in a store that others can read too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.hooks.sealing import Seal, is_sealed
from airflow_provider_gimme.operators.journal import PLAIN, Codec

if TYPE_CHECKING:
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["sealing_codec"]


def sealing_codec(run: TaskRun, is_secret: Callable[[Any], bool]) -> Codec:
    """Return a codec that encrypts the records for which ``is_secret`` is true, for the task itself.

    A record is a map of the caller's own making. ``encode`` and ``decode`` raise ``StepError`` where Airflow has no key
    to encrypt with, or another one.
    """

    def encode(record: Any) -> str:
        secret = is_secret(record)
        return PLAIN.encode(Seal.of(run.dag_id, run.run_id).close(run.task_id, record) if secret else record)

    def decode(line: str) -> Any:
        record = PLAIN.decode(line)
        return Seal.of(run.dag_id, run.run_id).open(run.task_id, record) if is_sealed(record) else record

    return Codec(encode, decode)
