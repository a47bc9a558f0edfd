"""What a template's syntax tree may not have, whatever it means."""

from __future__ import annotations

import re

from jinja2 import nodes

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.reference import ROOT_NAMES

__all__ = ["bound_names", "check_once", "check_secret", "check_tags", "secret_within"]

_SECRET = re.compile(r"(?<!\$)\$\{[A-Za-z_]")
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Extends: "extends",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Block: "block",
    nodes.ScopedEvalContextModifier: "autoescape",
}


def check_tags(tree: nodes.Template) -> None:
    """Refuse the tags of Jinja that reach other templates.

    :raises ExpressionError: naming the first.
    """
    for node in tree.find_all(tuple(_REFUSED)):
        raise ExpressionError(f"there is no tag '{_REFUSED[type(node)]}' in expressions", line=node.lineno)


def check_secret(node: nodes.Const) -> None:
    """Refuse a secret within an expression.

    :raises ExpressionError: saying to write it outside.
    """
    if isinstance(node.value, str) and _SECRET.search(node.value):
        raise secret_within(node.lineno)


def secret_within(line: int | None) -> ExpressionError:
    """Return the error for a secret within an expression."""
    return ExpressionError(
        "a secret ${NAME} cannot be used within {{ }}: write it outside, as in 'Bearer ${NAME}'", line=line
    )


def bound_names(tree: nodes.Template) -> frozenset[str]:
    """Return every name that the template itself gives a value.

    :raises ExpressionError: where one of them is the language's own.
    """
    bound: set[str] = set()
    for node in tree.find_all((nodes.Name, nodes.Macro, nodes.NSRef)):
        name = node.name  # type: ignore[attr-defined] # all three have one
        if isinstance(node, nodes.Name) and node.ctx == "load":
            continue
        if name in ROOT_NAMES:
            raise ExpressionError(f"'{name}' is a name of the language. Use another one.", line=node.lineno)
        bound.add(name)
    if tree.find(nodes.For):
        bound.add("loop")
    if tree.find(nodes.Macro) or tree.find(nodes.CallBlock):
        bound |= {"caller", "varargs", "kwargs"}
    return frozenset(bound)


def check_once(names: list[str], what: str, line: int) -> None:
    """Refuse a name that is written twice.

    :raises ExpressionError: naming it.
    """
    for name in names:
        if names.count(name) > 1:
            raise ExpressionError(f"the {what} '{name}' is written twice", line=line)
