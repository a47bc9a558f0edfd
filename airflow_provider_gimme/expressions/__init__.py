"""Expressions: Jinja, JSONPath and secrets in a workflow's own text, compiled, checked and evaluated within limits.

A :class:`Compiler` compiles the texts of a file; a :class:`Compiled` says what it refers to and is evaluated over a
:class:`Scope`. Jinja and JSONPath are only loaded where a text needs them.
"""

from __future__ import annotations

from airflow_provider_gimme.expressions.compiled import Compiled, Endpoint
from airflow_provider_gimme.expressions.compiler import Compiler
from airflow_provider_gimme.expressions.functions import ENTRY_POINT_GROUP, Functions, load_functions
from airflow_provider_gimme.expressions.limits import Limits
from airflow_provider_gimme.expressions.reference import ANY, LOCAL_NAMES, RESERVED_NAMES, Reference
from airflow_provider_gimme.expressions.saved import SavedItems
from airflow_provider_gimme.expressions.scope import GroupResult, RunInfo, Scope, StepResult, Window

__all__ = [
    "ANY",
    "ENTRY_POINT_GROUP",
    "LOCAL_NAMES",
    "RESERVED_NAMES",
    "Compiled",
    "Compiler",
    "Endpoint",
    "Functions",
    "GroupResult",
    "Limits",
    "Reference",
    "RunInfo",
    "SavedItems",
    "Scope",
    "StepResult",
    "Window",
    "load_functions",
]
