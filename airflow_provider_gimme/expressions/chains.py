"""Chains of members in Jinja's syntax tree: ``steps.fetch['items'][0]`` is the name ``steps`` and three keys."""

from __future__ import annotations

from jinja2 import nodes

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.reference import ANY, Kind, Reference

__all__ = ["chain_of", "check_hyphen", "constant", "references_of"]

_KINDS: dict[str, Kind] = {
    "steps": "step",
    "inputs": "input",
    "variables": "variable",
    "outputs": "output",
    "run": "run",
    "execution": "run",
}


def chain_of(node: nodes.Node) -> tuple[nodes.Name | None, list[nodes.Expr]]:
    """Return the name a chain begins with, and its keys; None where it begins with something else."""
    keys: list[nodes.Expr] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            keys.append(nodes.Const(node.attr, lineno=node.lineno))
        elif isinstance(node.arg, nodes.Slice):
            return None, []
        else:
            keys.append(node.arg)
        node = node.node
    return (node if isinstance(node, nodes.Name) else None), keys[::-1]


def constant(node: nodes.Expr | None) -> str | int | None:
    """Return the text or number a key is, None where it is only known when evaluated."""
    value = node.value if isinstance(node, nodes.Const) else None
    return value if isinstance(value, str | int) else None


def references_of(root: str, keys: list[nodes.Expr]) -> set[Reference]:
    """Return what a chain from one of the language's own names refers to."""
    kind = _KINDS.get(root)
    first = constant(keys[0]) if keys else None
    second = constant(keys[1]) if len(keys) > 1 else None
    member = second if isinstance(second, str) else None
    if kind is None:
        return {Reference("name", root, first if isinstance(first, str) else None)}
    if isinstance(first, str):
        return {Reference(kind, first, member)}
    return {Reference(kind, ANY)} if kind in {"step", "output"} else set()


def check_hyphen(node: nodes.Sub, known: frozenset[str]) -> None:
    """Refuse ``steps.my-step``, which reads as a difference.

    :raises ExpressionError: showing ``steps['my-step']``.
    """
    parts: list[nodes.Expr] = [node.right]
    left = node.left
    while isinstance(left, nodes.Sub):
        parts.append(left.right)
        left = left.left
    root, keys = chain_of(left)
    if root is None or root.name not in {"steps", "inputs", "outputs", "variables"} or len(keys) != 1:
        return
    words: list[str] = []
    for part in reversed(parts):
        name, _keys = chain_of(part)
        if name is None or name.name in known:
            return
        words.append(name.name)
    whole = "-".join([str(constant(keys[0])), *words])
    raise ExpressionError(f"a name with '-' is written in brackets: {root.name}['{whole}']", line=node.lineno)
