"""Nearest wins: maps merge deeply, lists and single values replace."""

from __future__ import annotations

from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node
from airflow_provider_gimme.loading.shape import ANYTHING, STEP, Shape

__all__ = ["merge"]

_CASELESS = frozenset({"headers", "custom_headers"})


def merge(near: Node, far: Node, shape: Shape = ANYTHING, *, caseless: bool = False) -> Node:
    """Return ``near`` over ``far``; every value keeps the place where it was written.

    Of keys that exclude each other the nearer one removes the others. Where ``near`` is another kind of map than
    ``far`` (an ``auth`` of another type) it replaces it. With ``caseless``, keys are equal but for case (headers).
    """
    if not (isinstance(near, Mapping) and isinstance(far, Mapping)):
        return near
    near_model, far_model = shape.model(near), shape.model(far)
    if shape is not STEP and near_model and far_model and near_model is not far_model:
        return near
    model = near_model or far_model
    removed = {key for keys in (model.exclusive if model else ()) for key in keys if not keys.isdisjoint(near.entries)}
    if caseless:
        lower = {key.lower() for key in near.entries}
        removed = {key for key in far.entries if key.lower() in lower}
    entries = {key: entry for key, entry in far.entries.items() if key not in removed or key in near.entries}
    for key, entry in near.entries.items():
        below = entries.get(key)
        if below is not None:
            node = merge(
                entry.node, below.node, shape.under(key, model), caseless=key in _CASELESS and model is not None
            )
            entry = Entry(entry.line, entry.column, entry.path, node)  # noqa: PLW2901 - the same key, with more in it
        entries[key] = entry
    return near.with_entries(entries)
