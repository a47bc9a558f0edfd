"""The names an expression may use where it is written, and what is said about the others."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.functions import Functions
from airflow_provider_gimme.expressions.reference import ROOT_NAMES, STEP_FUNCTIONS

__all__ = ["Names"]


@dataclass(frozen=True)
class Names:
    """What is known at one place of a file."""

    functions: Functions = field(default_factory=Functions.none)
    variables: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()

    def unknown(self, name: str, line: int, *, called: bool = False) -> ExpressionError:
        """Return the error for a name that is not known."""
        from airflow_provider_gimme.config.suggestions import did_you_mean

        functions = {*self.functions.functions, *STEP_FUNCTIONS, "range", "dict"}
        if name in functions:
            example = f"{name}('step')" if name in STEP_FUNCTIONS else f"{name}(…)"
            return ExpressionError(f"'{name}' is a function: write {example}", line=line)
        if called:
            hint = did_you_mean(name, functions) or _listed(functions)
            return ExpressionError(f"unknown function '{name}'.{hint}", line=line)
        known = {*ROOT_NAMES, *self.variables, *self.local}
        if name == "state":
            hint = "Steps, 'outputs' and 'state' itself know it, where the workflow writes 'state: {name: expression}'."
            return ExpressionError(f"'state' is not known here. {hint}", line=line)
        near = did_you_mean(name, known | functions)
        hint = near or f" An input is written inputs.{name}, a text '{name}'."
        return ExpressionError(f"unknown name '{name}'.{hint}", line=line)

    def unknown_filter(self, kind: str, name: str, known: set[str], line: int) -> ExpressionError:
        """Return the error for a filter or a test that is not known."""
        from airflow_provider_gimme.config.suggestions import did_you_mean

        return ExpressionError(f"unknown {kind} '{name}'.{did_you_mean(name, known) or _listed(known)}", line=line)


def _listed(names: set[str]) -> str:
    return f" There are: {', '.join(sorted(names))}."
