"""The step types, one folder each: ``config`` (what is written), ``plan`` (what is meant), ``operator`` (what is done).

A type is found by its folder, so adding one touches no other file. ``config`` and ``plan`` need no Airflow.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal

__all__ = ["part", "step_types"]


@cache
def step_types() -> tuple[str, ...]:
    """Return the names of all step types, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if module.ispkg))


@cache
def part(step_type: str, name: Literal["config", "plan", "operator"]) -> ModuleType:
    """Import one part of a step type.

    ``config`` has the model ``StepConfig``, ``plan`` the function ``plan_work``, ``operator`` the class
    ``StepOperator``.
    """
    return import_module(f"{__name__}.{step_type}.{name}")
