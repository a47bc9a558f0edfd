"""Keep what is in force from one refresh to the next: its list in the state, its texts among the objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from airflow_provider_gimme.bundles.publication import InForce
from airflow_provider_gimme.bundles.store import Store

__all__ = ["Published", "read_published", "write_published"]


@dataclass(frozen=True)
class Published:
    """What was published last."""

    version: str | None = None
    """The version; None before the first."""
    workflows: Mapping[str, InForce] = field(default_factory=dict)
    """What is in force, by Dag id."""
    providers: Mapping[str, str] = field(default_factory=dict)
    """The texts of ``providers/`` that are in force, by file."""


def read_published(store: Store) -> Published:
    """Read what was published last."""
    state = store.read_state()
    rows: list[dict[str, Any]] = state.get("workflows", [])
    workflows = {row["dag_id"]: _in_force(row, store) for row in rows}
    return Published(state.get("version"), workflows, _texts(state.get("providers", {}), store))


def write_published(store: Store, published: Published) -> None:
    """Keep what is published now."""
    rows = [asdict(_kept(workflow, store)) for workflow in published.workflows.values()]
    store.write_state({"version": published.version, "workflows": rows, "providers": _keep(published.providers, store)})


def _kept(workflow: InForce, store: Store) -> InForce:
    """Return a workflow with the names of its texts in the store."""
    return replace(workflow, text=store.put(workflow.text.encode()), around=_keep(workflow.around, store))


def _in_force(row: dict[str, Any], store: Store) -> InForce:
    text = store.get(row["text"]).decode()
    return InForce(**{**row, "text": text, "around": _texts(row["around"], store)})


def _keep(texts: Mapping[str, str], store: Store) -> dict[str, str]:
    """Keep texts, and return their names in the store, by file."""
    return {file: store.put(text.encode()) for file, text in texts.items()}


def _texts(names: Mapping[str, str], store: Store) -> dict[str, str]:
    return {file: store.get(name).decode() for file, name in names.items()}
