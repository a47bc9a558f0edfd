"""What a JSON template says of itself before any value is known: whether it can be JSON at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jinja2 import nodes

from airflow_provider_gimme.expressions.json_pieces import Literal, Slot, assemble
from airflow_provider_gimme.expressions.limits import CURRENT, DEFAULT_LIMITS, Evaluation
from airflow_provider_gimme.expressions.scope import Scope

__all__ = ["check_form"]


def check_form(tree: nodes.Template, table: Sequence[Any], template: str) -> None:
    """Refuse a rewritten template that is no JSON whatever its values are; one with tags is not judged.

    A text stands for each value: where a value is JSON, a text is too, and it is a member's name as well.

    :raises ExpressionError: with the line and an excerpt of the template.
    """
    if not all(isinstance(node, nodes.Output) for node in tree.body):
        return
    parts = [part for node in tree.body for part in _parts(node, table)]
    token = CURRENT.set(Evaluation(Scope(), DEFAULT_LIMITS))
    try:
        assemble(parts, template)
    finally:
        CURRENT.reset(token)


def _parts(output: nodes.Node, table: Sequence[Any]) -> Iterator[Literal | Slot]:
    """Yield the literals of an output, and a slot for each of its values."""
    for call in output.iter_child_nodes():
        first, *line = call.args  # type: ignore[attr-defined] # the rewriter makes nothing else
        yield Slot("", line[0].value) if line else table[first.value]
