"""Comparisons of RFC 9535 as conditions: ``$.steps.check.output.valid == true && $.input.n > 3``."""

from __future__ import annotations

import re
from typing import Any

from jsonpath_rfc9535.filter_expressions import (
    ComparisonExpression,
    Expression,
    FilterContext,
    FilterExpression,
    FilterQuery,
    LogicalExpression,
    PrefixExpression,
)
from jsonpath_rfc9535.selectors import FilterSelector

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.compiled import Part
from airflow_provider_gimme.expressions.limits import Evaluation
from airflow_provider_gimme.expressions.path_engine import ENVIRONMENT, compile_query
from airflow_provider_gimme.expressions.paths import Over, path_references, root_of, what_is_missing

__all__ = ["comparison_part"]

_WORD = re.compile(r"\s(and|or|not)\s|^not\s")
_ASSIGNMENT = re.compile(r"(?<![=!<>])=(?!=)")
_HINTS = {"and": "&&", "or": "||", "not": "!"}


def comparison_part(text: str, local_names: frozenset[str], over: Over = "scope") -> Part[bool]:
    """Compile a comparison of RFC 9535, as it stands in a filter ``[?…]``, over the scope or an answer's body.

    A path that is compared must select something; one that stands alone asks whether it does.

    :raises ExpressionError: where it is not well formed.
    """
    try:
        query = compile_query(f"$[?{text}]")
    except ValueError as error:
        word = _WORD.search(text)
        hint = f" Write {_HINTS[word.group().strip()]} for '{word.group().strip()}'." if word else ""
        if _ASSIGNMENT.search(text):
            hint = " Write '==' where one '=' stands."
        raise ExpressionError(f"'{text}' is not a comparison of RFC 9535: {error}.{hint}") from None
    selector = query.segments[0].selectors[0]
    if len(query.segments) != 1 or len(query.segments[0].selectors) != 1 or not isinstance(selector, FilterSelector):
        raise ExpressionError(f"'{text}' is not one comparison of RFC 9535")
    inner = path_references(text, query, local_names, whole=False) if over == "scope" else frozenset()
    expression = selector.expression

    def run(evaluation: Evaluation) -> bool:
        root = root_of(evaluation.scope)
        return _truth(expression, FilterContext(env=ENVIRONMENT, current=root, root=root))

    return Part(run, inner)


def _truth(expression: Expression, context: FilterContext) -> bool:
    """Evaluate from left to right, and no further than needed."""
    if isinstance(expression, FilterExpression):
        return _truth(expression.expression, context)
    if isinstance(expression, PrefixExpression):
        return not _truth(expression.right, context)
    if isinstance(expression, LogicalExpression):
        left = _truth(expression.left, context)
        if left == (expression.operator == "||"):
            return left
        return _truth(expression.right, context)
    if isinstance(expression, ComparisonExpression):
        _check_present(expression.left, context)
        _check_present(expression.right, context)
    return FilterExpression(expression.token, expression).evaluate(context)


def _check_present(operand: Expression, context: FilterContext) -> None:
    if not isinstance(operand, FilterQuery):
        return
    found: Any = operand.evaluate(context)
    if len(found) == 0:
        missing = what_is_missing(operand.query, context.root)
        hint = f"Where it may be absent, ask for it first: `{operand} && …`."
        raise ExpressionError(f"'{operand}' selects nothing: {missing} {hint}", absent=True)
