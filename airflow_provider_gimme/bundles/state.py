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
    workflows = {row["dag_id"]: InForce(**{**row, "text": store.get(row["text"]).decode()}) for row in rows}
    providers = {file: store.get(text).decode() for file, text in state.get("providers", {}).items()}
    return Published(state.get("version"), workflows, providers)


def write_published(store: Store, published: Published) -> None:
    """Keep what is published now."""
    rows = [asdict(replace(value, text=store.put(value.text.encode()))) for value in published.workflows.values()]
    providers = {file: store.put(text.encode()) for file, text in published.providers.items()}
    store.write_state({"version": published.version, "workflows": rows, "providers": providers})
