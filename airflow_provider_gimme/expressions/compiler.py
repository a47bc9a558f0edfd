"""Compile the texts of a workflow file: each kind of place has its own method."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_gimme.expressions.compiled import Compiled, Endpoint, Part
from airflow_provider_gimme.expressions.data import to_json
from airflow_provider_gimme.expressions.functions import Functions
from airflow_provider_gimme.expressions.limits import DEFAULT_LIMITS, Limits
from airflow_provider_gimme.expressions.names import Names
from airflow_provider_gimme.expressions.parts import Parts
from airflow_provider_gimme.expressions.quick import quick_json
from airflow_provider_gimme.expressions.structures import structure_part

__all__ = ["Compiler"]

_T = TypeVar("_T")


class Compiler:
    """Compile expressions as they stand at one place of a file.

    ``variables`` are the names of the constants that may be used, ``local_names`` those of :data:`LOCAL_NAMES` that
    exist there. A text is compiled once. Every method raises ``ExpressionError``, with the line within the text,
    where it is not well formed or uses what there is not.
    """

    def __init__(
        self,
        functions: Functions | None = None,
        variables: frozenset[str] = frozenset(),
        local_names: frozenset[str] = frozenset(),
        *,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        names = Names(functions or Functions.none(), frozenset(variables), frozenset(local_names))
        self._limits = limits
        self._scope_parts = Parts(names, over="scope")
        self._body_parts = Parts(names, over="body")
        self._cache: dict[tuple[str, str], Compiled[Any]] = {}

    def template(self, text: str) -> Compiled[str]:
        """Compile a text with ``{{ }}``, ``{% %}``, ``{$.path}`` and ``${NAME}``; or a whole ``$.path``."""
        return self._compiled("template", text, self._scope_parts.text)

    def value(self, structure: Any) -> Compiled[Any]:
        """Compile a JSON structure whose strings are templates; a lone ``{{ }}`` or ``$.path`` keeps its type."""
        return self._structure("value", structure, self._scope_parts.value)

    def expression(self, text: str) -> Compiled[Any]:
        """Compile a single expression, with or without ``{{ }}``, or a ``$.path``, which must select something."""
        return self._compiled("expression", text, lambda each: _as_json(self._scope_parts.expression(each)))

    def condition(self, text: str) -> Compiled[bool]:
        """Compile a condition: an expression, or a comparison of RFC 9535; only true and false are accepted."""
        return self._compiled("condition", text, self._scope_parts.condition)

    def json_template(self, text: str) -> Compiled[Any]:
        """Compile a text template that yields JSON; values are escaped by where they stand."""
        return self._compiled("json_template", text, self._scope_parts.json)

    def mapping(self, structure: Any) -> Compiled[Any]:
        """Compile an ``input_map``: constants, whole ``$.path`` (null if absent), and text with ``{$.path}``."""
        return self._structure("mapping", structure, self._scope_parts.mapped)

    def path_mapping(self, structure: Any) -> Compiled[Any]:
        """Compile an ``output_map``: as :meth:`mapping`, but ``$`` is what ``Scope.with_root`` says."""
        return self._structure("path_mapping", structure, self._body_parts.mapped)

    def body_path(self, text: str) -> Compiled[Any]:
        """Compile one ``$.path`` over what ``Scope.with_root`` says; null if absent."""
        return self._compiled("body_path", text, lambda each: _as_json(self._body_parts.path(each)))

    def body_expression(self, text: str) -> Compiled[Any]:
        """Compile a single expression, as :meth:`expression`, but ``$`` is what ``Scope.with_root`` says."""
        return self._compiled("body_expression", text, lambda each: _as_json(self._body_parts.expression(each)))

    def body_condition(self, text: str) -> Compiled[bool]:
        """Compile a condition, as :meth:`condition`, but ``$`` is what ``Scope.with_root`` says."""
        return self._compiled("body_condition", text, self._body_parts.condition)

    def endpoint(self, text: str) -> Endpoint:
        """Compile a path: ``{name}`` percent-encoded, ``/`` too; what ``{{ }}`` yields encoded but for ``/``."""
        part, path_names = self._scope_parts.endpoint(text)
        return Endpoint(text, part, self._limits, path_names)

    def _compiled(self, method: str, text: str, make: Callable[[str], Part[_T]]) -> Compiled[_T]:
        key = (method, text)
        if key not in self._cache:
            self._cache[key] = Compiled(text, make(text), self._limits)
        return self._cache[key]

    def _structure(self, method: str, structure: Any, make: Callable[[str], Part[Any]]) -> Compiled[Any]:
        if isinstance(structure, str):
            return self._compiled(method, structure, lambda text: _as_json(make(text)))
        source = json.dumps(structure, ensure_ascii=False, default=str)
        part = structure_part(structure, make)
        quick = part.quick if isinstance(structure, Mapping | list | tuple) else quick_json(part.quick)
        return Compiled(source, replace(_as_json(part), quick=quick), self._limits)


def _as_json(part: Part[Any]) -> Part[Any]:
    """Make a part yield plain JSON data of its own."""
    return Part(
        lambda evaluation: to_json(part.run(evaluation)),
        part.references,
        part.secrets,
        part.constant,
        quick_json(part.quick),
    )
