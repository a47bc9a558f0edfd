"""The JSONPath library with our limits put in: every step of a path looks at the clock, and so do its regexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import regex  # type: ignore[import-untyped] # it ships no types
from iregexp_check import check
from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError, JSONPathQuery
from jsonpath_rfc9535.exceptions import JSONPathSyntaxError
from jsonpath_rfc9535.filter_expressions import (
    ComparisonExpression,
    Expression,
    FilterExpression,
    FilterQuery,
    FunctionExtension,
    LogicalExpression,
    PrefixExpression,
    RootFilterQuery,
)
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction
from jsonpath_rfc9535.function_extensions._pattern import map_re
from jsonpath_rfc9535.lex import RE_PROPERTY, Lexer
from jsonpath_rfc9535.node import JSONPathNode
from jsonpath_rfc9535.selectors import FilterSelector
from jsonpath_rfc9535.tokens import Token, TokenStream, TokenType

from airflow_provider_gimme.expressions.limits import CURRENT, tick

__all__ = ["ENVIRONMENT", "compile_query", "expressions_in", "inner_queries"]

_MEMBER_NAME = re.compile(r"[\u0080-\uD7FF\uE000-\U0010FFFFa-zA-Z_][\u0080-\uD7FF\uE000-\U0010FFFFa-zA-Z0-9_]*")
"""A member's name after a dot, by RFC 9535."""


class _Timed(FilterFunction):
    """``match`` or ``search`` of RFC 9535, within the time that is left."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole

    def __call__(self, text: object, pattern: object) -> bool:
        """Tell whether a text matches a pattern (RFC 9485), as a whole or in part."""
        if not isinstance(text, str) or not isinstance(pattern, str) or not check(pattern):
            return False
        evaluation = CURRENT.get()
        timeout = max(evaluation.deadline - evaluation.clock(), 0.001)
        find = regex.fullmatch if self.whole else regex.search
        try:
            return find(map_re(pattern), text, timeout=timeout) is not None
        except regex.error:
            return False
        except TimeoutError:
            raise TimeoutError("the pattern takes too long") from None


class _Lexer(Lexer):
    """The library's reader of a path, but for names such as ``城市``: of those it takes the first letter only."""

    __slots__ = ()

    def accept_match(self, pattern: re.Pattern[str]) -> bool:
        """Move over what matches, if it does."""
        return super().accept_match(_MEMBER_NAME if pattern is RE_PROPERTY else pattern)


class _Environment(JSONPathEnvironment):
    """The library's environment with timed patterns, and with RFC 9535's names."""

    def compile(self, query: str) -> JSONPathQuery:
        """Return a path, compiled.

        :raises JSONPathError: where it is none.
        """
        lexer = _Lexer(query)
        lexer.run()
        tokens = lexer.tokens
        if tokens and tokens[-1].type_ == TokenType.ERROR:
            raise JSONPathSyntaxError(tokens[-1].message, token=tokens[-1])
        if lexer.bracket_stack:
            bracket, index = lexer.bracket_stack[-1]
            message = f"unbalanced {'brackets' if bracket == '[' else 'parentheses'}"
            raise JSONPathSyntaxError(message, token=Token(TokenType.ERROR, query[index], index, query, message))
        return JSONPathQuery(env=self, segments=tuple(self.parser.parse(TokenStream(tokens))))

    def setup_function_extensions(self) -> None:
        """Put in our own ``match`` and ``search``."""
        super().setup_function_extensions()
        self.function_extensions["match"] = _Timed(whole=True)
        self.function_extensions["search"] = _Timed(whole=False)


class _Query(JSONPathQuery):
    """A query that looks at the clock for each value it comes by."""

    __slots__ = ()

    def finditer(self, value: Any) -> Iterable[JSONPathNode]:
        """Return the nodes the query selects in a value."""
        nodes: Iterable[JSONPathNode] = [JSONPathNode(value=value, location=(), parent=None, root=value)]
        for segment in self.segments:
            nodes = _ticking(segment.resolve(nodes))
        return nodes


def _ticking(nodes: Iterable[JSONPathNode]) -> Iterator[JSONPathNode]:
    for node in nodes:
        tick()
        yield node


ENVIRONMENT = _Environment()


def compile_query(text: str) -> JSONPathQuery:
    """Return a path, compiled, with the limits in all its parts.

    :raises ValueError: where it is not a JSONPath; the message is the library's.
    """
    try:
        query = ENVIRONMENT.compile(text)
    except (JSONPathError, RecursionError) as error:
        raise ValueError(str(error) or "it is nested too deeply") from None
    for expression in expressions_in(query):
        if isinstance(expression, FilterQuery):
            expression.query = _Query(env=ENVIRONMENT, segments=expression.query.segments)
    return _Query(env=ENVIRONMENT, segments=query.segments)


def inner_queries(query: JSONPathQuery) -> list[JSONPathQuery]:
    """Return the queries from ``$`` within the filters of a query."""
    return [expression.query for expression in expressions_in(query) if isinstance(expression, RootFilterQuery)]


def expressions_in(query: JSONPathQuery) -> Iterator[Expression]:
    """Yield every expression in the filters of a query, those in queries within them included."""
    for segment in query.segments:
        for selector in segment.selectors:
            if isinstance(selector, FilterSelector):
                yield from _within(selector.expression)


def _within(expression: Expression) -> Iterator[Expression]:
    yield expression
    if isinstance(expression, FilterExpression):
        yield from _within(expression.expression)
    elif isinstance(expression, PrefixExpression):
        yield from _within(expression.right)
    elif isinstance(expression, LogicalExpression | ComparisonExpression):
        yield from _within(expression.left)
        yield from _within(expression.right)
    elif isinstance(expression, FunctionExtension):
        for argument in expression.args:
            yield from _within(argument)
    elif isinstance(expression, FilterQuery):
        yield from expressions_in(expression.query)
