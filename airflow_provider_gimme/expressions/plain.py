"""Expressions that need no Jinja: members of names, compared with each other or with constants, joined by and, or, not.

Most rules, conditions, payloads and endpoints consist of them, and they take a tenth of the time that way. Whatever is
not there, or cannot be compared, is left to Jinja, which says what is wrong.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes

from airflow_provider_gimme.expressions.chains import chain_of, constant
from airflow_provider_gimme.expressions.members import member
from airflow_provider_gimme.expressions.quick import MISSING, Quick, constant_quick
from airflow_provider_gimme.expressions.scope import Scope

__all__ = ["plain_of", "plain_text_of"]

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
}

_ROOTS: dict[str, Quick] = {
    "inputs": operator.attrgetter("inputs"),
    "variables": operator.attrgetter("variables"),
    "outputs": operator.attrgetter("outputs"),
    "provider_id": operator.attrgetter("provider_id"),
    "run": Scope.run_data,
    "execution": Scope.run_data,
}
"""What gives the value of a name of the language's own, as :meth:`Scope.name` does."""


def plain_of(expression: nodes.Expr, local: frozenset[str]) -> Quick | None:
    """Return what evaluates an expression without Jinja, None where only Jinja can; ``local`` are local names."""
    if isinstance(expression, nodes.Const):
        return constant_quick(expression.value)
    if isinstance(expression, nodes.Compare):
        return _comparison(expression, local)
    if isinstance(expression, nodes.Not):
        return _negation(plain_of(expression.node, local))
    if isinstance(expression, nodes.And | nodes.Or):
        left, right = plain_of(expression.left, local), plain_of(expression.right, local)
        return _both(left, right, until=isinstance(expression, nodes.Or))
    return _chain(expression, local)


def plain_text_of(tree: nodes.Template, local: frozenset[str], write: Callable[[str], str]) -> Quick | None:
    """Return what renders a template of text and such expressions, None where there is more in it.

    ``write`` is what becomes of each text or whole number that an expression yields; other values are left to Jinja.
    """
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    quicks: list[Quick] = []
    for child in tree.body[0].nodes:
        if not isinstance(child, nodes.TemplateData):
            quick = plain_of(child, local)
        else:  # a brace could be a piece of its own
            quick = None if "{" in child.data else constant_quick(_Written(child.data))
        if quick is None:
            return None
        quicks.append(quick)

    def text(scope: Scope) -> Any:
        parts = []
        for quick in quicks:
            value = quick(scope)
            kind = type(value)
            if kind is str or kind is int:
                parts.append(write(str(value)))
            elif kind is _Written:
                parts.append(value)
            else:
                return MISSING
        return "".join(parts)

    return text


class _Written(str):
    """The template's own text."""

    __slots__ = ()


def _variable(name: str) -> Quick:
    return lambda scope: scope.variables.get(name, MISSING)


def _chain(expression: nodes.Expr, local: frozenset[str]) -> Quick | None:
    """Return what follows a name and constant keys; not ``steps``, whose members tell more than data."""
    root, keys = chain_of(expression)
    found = [constant(key) for key in keys]
    if root is None or root.name == "steps" or None in found:
        return None
    if root.name in local and root.name not in _ROOTS:
        return _local(root.name, found)
    start = _ROOTS.get(root.name) or _variable(root.name)

    def follow(scope: Scope) -> Any:
        return _member_of(start(scope), found)

    return follow


def _local(name: str, keys: list[str | int | None]) -> Quick:
    """Return what follows a local name, such as ``item.id``: the commonest of all."""

    def follow(scope: Scope) -> Any:
        value = scope.extra.get(name, MISSING)
        for key in keys:
            value = value.get(key, MISSING) if type(value) is dict else _member_of(value, (key,))
        return value

    return follow


def _member_of(value: Any, keys: Iterable[str | int | None]) -> Any:
    for key in keys:
        if value is MISSING:
            break
        value = member(value, key)
    return value


def _comparison(expression: nodes.Compare, local: frozenset[str]) -> Quick | None:
    if len(expression.ops) != 1 or expression.ops[0].op not in _COMPARISONS:
        return None
    left, right = plain_of(expression.expr, local), plain_of(expression.ops[0].expr, local)
    if left is None or right is None:
        return None
    compare = _COMPARISONS[expression.ops[0].op]

    def compared(scope: Scope) -> Any:
        first, second = left(scope), right(scope)
        if first is MISSING or second is MISSING:
            return MISSING
        try:
            return compare(first, second)
        except TypeError:
            return MISSING

    return compared


def _negation(inner: Quick | None) -> Quick | None:
    if inner is None:
        return None

    def negated(scope: Scope) -> Any:
        value = inner(scope)
        return value if value is MISSING else not value

    return negated


def _both(left: Quick | None, right: Quick | None, *, until: bool) -> Quick | None:
    """Return ``and``, or with ``until`` ``or``: the value of the left where that decides, else of the right."""
    if left is None or right is None:
        return None

    def joined(scope: Scope) -> Any:
        value = left(scope)
        return value if value is MISSING or bool(value) is until else right(scope)

    return joined
