"""The state between runs: read by the tasks that use it, computed by ``result``, stored by ``outcome``.

It lies in Airflow's asset state, under an asset of the workflow's own, one key a name; so Airflow's pages and REST API
show it, and who may, can change it there.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.asset import Asset

from airflow_provider_gimme.errors import StepError

if TYPE_CHECKING:
    from airflow.sdk.execution_time.context import AssetStateStoreAccessor

    from airflow_provider_gimme.expressions import Scope
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["STATE_KEY", "STATE_LIMIT_BYTES", "computed_state", "read_state", "state_asset", "store_state"]

STATE_KEY = "state"
"""The XCom of ``result`` with the values that ``outcome`` stores."""

STATE_LIMIT_BYTES = 60_000
"""The largest value of one name, as JSON: Airflow's own advice is at most 64 kB."""


def state_asset(dag_id: str) -> Asset:
    """Return the asset that a workflow's state belongs to."""
    return Asset(name=f"{dag_id}.state", uri=f"gimme-state:{dag_id}", group="gimme")


def read_state(run: TaskRun, names: Collection[str]) -> dict[str, Any]:
    """Return the values of ``names`` as the last successful run left them; null where none did."""
    store = _store(run)
    return {name: store.get(name) for name in sorted(names)}


def computed_state(run: TaskRun, scope: Scope) -> dict[str, Any]:
    """Return what the run leaves to the next one; a name whose value is null is left out: it stays as it is.

    :raises ExpressionError: where a value cannot be computed.
    :raises StepError: where a value is too large.
    """
    values = {name: compiled.evaluate(scope) for name, compiled in run.plan.state.values.items()}
    for name, value in values.items():
        if (size := len(json.dumps(value).encode())) > STATE_LIMIT_BYTES:
            raise StepError(
                f"state.{name}: the value has {size:,} bytes; the limit is {STATE_LIMIT_BYTES:,}. "
                "Store less: a watermark, or where the data is ('save_to')."
            )
    return {name: value for name, value in values.items() if value is not None}


def store_state(run: TaskRun, values: Mapping[str, Any]) -> None:
    """Keep what the run leaves to the next one."""
    store = _store(run)
    for name, value in values.items():
        store.set(name, value)


def _store(run: TaskRun) -> AssetStateStoreAccessor:
    from airflow.sdk.execution_time.context import AssetStateStoreAccessor

    return AssetStateStoreAccessor(name=state_asset(run.dag_id).name)
