"""What the keys of a workflow file mean: the docstrings below the fields of the models, read where they are shown.

Reading them takes the models' source text, which a check of files must not wait for.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent

__all__ = ["descriptions"]


@cache
def descriptions(model: type) -> dict[str, str]:
    """Return the description of each field of a model, those of its bases included, by the field's name."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if each.__module__.startswith(f"{__package__.partition('.')[0]}."):
            found |= _docstrings(each)
    return found


def _docstrings(model: type) -> dict[str, str]:
    (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(statements)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
