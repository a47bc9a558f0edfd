"""Going through a document, place by place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Path, Sequence
from airflow_provider_gimme.loading.shape import WORKFLOW, Shape

__all__ = ["Visit", "walk"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One place: its value, the key it stands under, and the model of the map around it (None in free data)."""

    path: Path
    node: Node
    entry: Entry | None = None
    model: type[Config] | None = None
    own_model: type[Config] | None = None


def walk(root: Node, shape: Shape = WORKFLOW, path: Path = ()) -> Iterator[Visit]:
    """Yield every place of a document; where an alias stands, its anchor's value."""
    stack: list[tuple[Path, Node, Entry | None, type[Config] | None, Shape]] = [(path, root, None, None, shape)]
    while stack:
        path, node, entry, around, shape = stack.pop()
        model = shape.model(node) if isinstance(node, Mapping) else None
        yield Visit(path, node, entry, around, model)
        if isinstance(node, Mapping):
            stack.extend(
                ((*path, key), below.node, below, model, shape.under(key, model)) for key, below in node.entries.items()
            )
        elif isinstance(node, Sequence):
            stack.extend(
                ((*path, index), item, None, None, shape.child(node, index)) for index, item in enumerate(node.items)
            )
