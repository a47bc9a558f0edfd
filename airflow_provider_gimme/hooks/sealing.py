"""Sensitive outputs: encrypted with Airflow's own key, for the steps of one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.http.redaction import HIDDEN
from airflow_provider_gimme.plan.saved import is_saved

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

__all__ = ["Seal", "hide_leaves", "is_sealed", "secret_texts"]

_TYPE = "sensitive"
_SHORTEST = 6
"""A shorter text is no secret of its own: it could be a part of anything."""


def is_sealed(value: object) -> TypeGuard[Mapping[str, str]]:
    """Say whether a value looks like the envelope of a sensitive output; an answer can look so too."""
    return isinstance(value, Mapping) and value.get("type") == _TYPE and isinstance(value.get("sealed"), str)


def secret_texts(value: Any) -> Iterator[str]:
    """Yield the texts of a sensitive output that are secrets: those of 6 characters or more.

    The type of a saved file is none.
    """
    if isinstance(value, str):
        if len(value) >= _SHORTEST:
            yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if not (name == "media_type" and is_saved(value)):
                yield from secret_texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secret_texts(item)


def hide_leaves(value: Any) -> Any:
    """Return a sensitive output as it may be shown: its structure, with ``***`` for all that stands in it."""
    if isinstance(value, Mapping):
        return {name: hide_leaves(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide_leaves(item) for item in value]
    return None if value is None else HIDDEN


@dataclass(frozen=True)
class Seal:
    """Close and open the outputs of one run; an envelope of another run or step does not open."""

    dag_id: str
    run_id: str
    _key: str

    @classmethod
    def of(cls, dag_id: str, run_id: str) -> Seal:
        """Return the seal of a run, of the worker's own key.

        :raises StepError: where there is none, or it is none.
        """
        from airflow.sdk.configuration import conf

        key = conf.get("core", "fernet_key", fallback="") or ""
        seal = cls(dag_id, run_id, "" if key == "{FERNET_KEY}" else key)
        seal._fernet()
        return seal

    def __repr__(self) -> str:
        return f"<Seal of {self.dag_id}, {self.run_id}>"

    def close(self, task_id: str, output: Any) -> dict[str, str]:
        """Return the envelope of a task's output."""
        content = json.dumps({"of": [self.dag_id, self.run_id, task_id], "output": output}, ensure_ascii=False)
        return {"type": _TYPE, "sealed": self._fernet().encrypt(content.encode()).decode()}

    def open(self, task_id: str, envelope: object) -> Any:
        """Return the output in the envelope of a task.

        :raises StepError: where it cannot be opened, or is of another task or run.
        """
        from cryptography.fernet import InvalidToken

        if is_sealed(envelope):
            try:
                content = json.loads(self._fernet().decrypt(envelope["sealed"].encode()))
            except InvalidToken:
                content = {"of": None}
            if content["of"] == [self.dag_id, self.run_id, task_id]:
                return content["output"]
        raise StepError(
            f"the sensitive output of '{task_id}' cannot be opened: it was closed with another key. "
            "Set the same [core] fernet_key on all workers (after a change both, the new one first). Clear the step."
        )

    def _fernet(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet

        try:
            return MultiFernet([Fernet(key.strip()) for key in self._key.split(",") if key.strip()])
        except ValueError:
            state = "is not one" if self._key.strip(", ") else "is not set"
        raise StepError(
            f"a sensitive output is encrypted with Airflow's [core] fernet_key, which {state} on this worker. Set "
            "AIRFLOW__CORE__FERNET_KEY, the same for all workers; `python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'` makes one."
        ) from None
