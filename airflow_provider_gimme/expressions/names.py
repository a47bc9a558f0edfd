"""The names an expression may use where it is written, and what is said about the others."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.functions import Functions
from airflow_provider_gimme.expressions.reference import ROOT_NAMES, STEP_FUNCTIONS

__all__ = ["Names"]


_ELSEWHERE = {
    **dict.fromkeys(("conf", "params"), "inputs"),
    **dict.fromkeys(("dag_run", "run_id"), "inputs or run"),
    **dict.fromkeys(("ds", "ts", "logical_date", "execution_date", "now"), "run.time"),
    **dict.fromkeys(("data_interval_start", "data_interval_end"), "run.window"),
    **dict.fromkeys(("ti", "task_instance", "xcom", "tasks", "jobs"), "steps['name']"),
    **dict.fromkeys(("env", "secrets", "vars", "var", "conn"), "${NAME}, outside of {{ }}"),
    **dict.fromkeys(("body", "headers", "answer", "result"), "response"),
}
"""Words of Airflow, of other tools and of HTTP, and what is written here instead."""


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
        meant = _ELSEWHERE.get(name)
        instead = f"Write {meant}." if meant else f"An input is written inputs.{name}, a text '{name}'."
        hint = did_you_mean(name, known | functions) or f" {instead}"
        return ExpressionError(f"unknown name '{name}'.{hint}", line=line)

    def unknown_filter(self, kind: str, name: str, known: set[str], line: int) -> ExpressionError:
        """Return the error for a filter or a test that is not known."""
        from airflow_provider_gimme.config.suggestions import did_you_mean

        return ExpressionError(f"unknown {kind} '{name}'.{did_you_mean(name, known) or _listed(known)}", line=line)


def _listed(names: set[str]) -> str:
    return f" There are: {', '.join(sorted(names))}."
