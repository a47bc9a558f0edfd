"""What an expression refers to, and the names that the language keeps for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ANY", "LOCAL_NAMES", "RESERVED_NAMES", "ROOT_NAMES", "STEP_FUNCTIONS", "STEP_MEMBERS", "Kind", "Reference"]

Kind = Literal["step", "input", "variable", "output", "function", "filter", "run", "name"]

ANY = "*"
"""The name of a reference whose name is only known when it is evaluated: ``steps[inputs.which]``."""

ROOT_NAMES = frozenset({"inputs", "variables", "steps", "outputs", "run", "execution", "provider_id"})
"""Names that every expression can use."""

LOCAL_NAMES = frozenset({"item", "index", "response", "page", "call", "job", "state"})
"""Names that exist in some places only; the compiler is told which."""

STEP_FUNCTIONS = frozenset({"status", "error", "failed"})
"""``status('x')``, ``error('x')``, ``failed('x')``: what is known of a step beside its output."""

STEP_MEMBERS = STEP_FUNCTIONS | {"answered_by"}
"""What is known of a step beside its output, where the output has no member of that name."""

RESERVED_NAMES = ROOT_NAMES | LOCAL_NAMES | STEP_FUNCTIONS | {"range", "dict", "loop"}
"""Names that a variable, a function or a ``{% set %}`` may not take."""


@dataclass(frozen=True)
class Reference:
    """One thing an expression refers to.

    ``kind`` says what ``name`` names: ``step`` (also a group), ``input``, ``variable``, ``output``, ``function``,
    ``filter``, ``run`` (``run.time`` has the name ``time``) or ``name``: a bare name whose meaning the caller knows,
    such as ``item``, or the ``{name}`` of an endpoint. ``name`` is :data:`ANY` for a step or an output that is
    only known when the expression is evaluated. ``member`` is the first member read of it, where it is written out.
    """

    kind: Kind
    name: str
    member: str | None = None
