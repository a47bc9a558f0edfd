"""A compiled expression: what it refers to, and its value over a scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from airflow_provider_gimme.errors import ExpressionError, GimmeError
from airflow_provider_gimme.expressions.limits import CURRENT, DEFAULT_LIMITS, Evaluation, Limits
from airflow_provider_gimme.expressions.quick import MISSING, Quick, constant_quick
from airflow_provider_gimme.expressions.reference import Reference
from airflow_provider_gimme.expressions.scope import Scope

__all__ = ["Compiled", "Endpoint", "Part", "constant_part", "told"]

_T_co = TypeVar("_T_co", covariant=True)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Part(Generic[_T_co]):
    """What is compiled of one text: a function of the evaluation, and what it refers to.

    ``constant`` says that it yields the same over every scope.
    """

    run: Callable[[Evaluation], _T_co]
    references: frozenset[Reference] = frozenset()
    secrets: frozenset[str] = frozenset()
    constant: bool = False
    quick: Quick | None = None
    """The same without limits to watch, where it can be done so."""


def constant_part(value: _T) -> Part[_T]:
    """Return the part of a text that has nothing in it to evaluate."""
    return Part(lambda _evaluation: value, constant=True, quick=constant_quick(value))


@dataclass(frozen=True)
class Compiled(Generic[_T_co]):
    """A compiled expression, template or structure."""

    source: str
    """The text it was compiled from; for a structure, its JSON."""
    part: Part[_T_co]
    limits: Limits = DEFAULT_LIMITS
    place: str = field(default="", kw_only=True)
    """Where it stands, for the errors of its evaluation: the key of a step, and what is below."""

    @property
    def references(self) -> frozenset[Reference]:
        """What it refers to."""
        return self.part.references

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets in it."""
        return self.part.secrets

    @property
    def constant(self) -> bool:
        """Whether it yields the same over every scope."""
        return self.part.constant

    def standing_at(self, place: str) -> Compiled[_T_co]:
        """Return it as it stands at a place of a file."""
        placed = object.__new__(type(self))  # not by replace(): this is done for each expression of a file
        placed.__dict__.update(self.__dict__, place=place)
        return placed

    def evaluate(self, scope: Scope) -> _T_co:
        """Return its value over a scope.

        :raises ExpressionError: where it has none, or goes beyond the limits; with the line, where it is known.
        :raises SecretError: where a secret is missing or not allowed.
        """
        quick = self.part.quick
        if quick is not None and (value := quick(scope)) is not MISSING:
            found: _T_co = value
            return found
        token = CURRENT.set(evaluation := Evaluation(scope, self.limits))
        try:
            return self.part.run(evaluation)
        except Exception as error:
            problem = self._placed(told(error))
            if problem is error:
                raise
            raise problem from error
        finally:
            CURRENT.reset(token)

    def _placed(self, problem: GimmeError) -> GimmeError:
        if not self.place or not isinstance(problem, ExpressionError):
            return problem
        return ExpressionError(f"{self.place}: {problem.message}", line=problem.line, absent=problem.absent)


@dataclass(frozen=True)
class Endpoint(Compiled[str]):
    """A compiled endpoint; ``path_names`` are the ``{name}`` in it."""

    path_names: frozenset[str] = frozenset()


def told(error: Exception) -> GimmeError:
    """Return what a template has raised, which can be anything, as an error that says what and where."""
    if not isinstance(error, GimmeError):
        return ExpressionError(_message(error), line=_line(error), absent=_is_absent(error))
    if isinstance(error, ExpressionError) and error.line is None:
        error.line = _line(error)
    return error


def _is_absent(error: Exception) -> bool:
    from jinja2 import UndefinedError

    return isinstance(error, UndefinedError)


def _message(error: Exception) -> str:
    from jinja2 import TemplateError

    if isinstance(error, TemplateError):
        return str(error.message or "the template cannot be evaluated")
    if isinstance(error, RecursionError):
        return "the expression calls itself too often"
    if isinstance(error, MemoryError | OverflowError):
        return f"the expression is too large: {error}"
    return f"{type(error).__name__}: {str(error)[:200]}"


def _line(error: BaseException) -> int | None:
    """Return the template's line at which an error came up; without Jinja there is none."""
    import sys

    if "jinja2" not in sys.modules:
        return None
    from airflow_provider_gimme.expressions.program import template_line

    return template_line(error.__traceback__)
