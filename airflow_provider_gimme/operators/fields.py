"""What travels with a Dag in its serialized form, beyond what Airflow itself keeps of a task.

Fields hold text or lists only: a map would break Airflow's deserialisation.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BINDINGS_FIELD",
    "COMPENSATION",
    "COMPENSATION_GROUP",
    "DEFAULT_POOL",
    "EVENT_STATE",
    "FINGERPRINT_FIELD",
    "INACTIVE_FIELD",
    "INPUTS",
    "NOTIFY",
    "OUTCOME",
    "POOLS_FIELD",
    "RESULT",
    "RESUME",
    "SERIALIZED_FIELDS",
    "write_pools",
]

INPUTS = "inputs"
"""The task that checks the run's conf."""

RESULT = "result"
"""The task that computes the workflow's result."""

COMPENSATION_GROUP = "compensation"
"""The TaskGroup of what undoes a run."""

COMPENSATION = "compensation.begin"
"""The task that finds out what is undone; what undoes a step is called after it."""

DEFAULT_POOL = "default_pool"
"""Airflow's own pool."""

NOTIFY = "notify"
"""The task that tells the end of the run."""

OUTCOME = "outcome"
"""The task that decides how the run ended; the fields below are its."""

EVENT_STATE = "event"
"""The key of a waiting task's state that holds what has happened."""

RESUME = "Resume"
"""The one answer to the question that Airflow keeps while a step waits for an event."""

POOLS_FIELD = "gimme_pools"
"""Names and slots of the pools that the workflow brings, one after the other."""

FINGERPRINT_FIELD = "gimme_fingerprint"
"""A hash of all that shapes a run, so that Airflow sees a new version of the Dag wherever one of it changes."""

BINDINGS_FIELD = "gimme_bindings"
"""The events that start the workflow, a text each; what takes events finds them there."""

INACTIVE_FIELD = "gimme_inactive"
"""Set where the workflow's file says ``active: false``."""

SERIALIZED_FIELDS = frozenset({POOLS_FIELD, FINGERPRINT_FIELD, BINDINGS_FIELD, INACTIVE_FIELD})


def write_pools(pools: Mapping[str, int]) -> list[str | int]:
    """Return pools as the list that travels: name, slots, name, slots."""
    return [part for name in sorted(pools) for part in (name, pools[name])]
