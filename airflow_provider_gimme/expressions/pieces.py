"""Text cut into pieces: plain text, secrets ``${NAME}``, paths ``{$.path}`` and the ``{name}`` of an endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.errors import ExpressionError, SecretError
from airflow_provider_gimme.expressions.limits import CURRENT
from airflow_provider_gimme.expressions.paths import Path
from airflow_provider_gimme.expressions.quick import MISSING

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions.scope import Scope

__all__ = ["NamePiece", "PathPiece", "Piece", "SecretPiece", "cut", "has_template"]

_SPECIAL = re.compile(r"\$\$\{|\$\{|\{(?=\$[.\[])")
_SPECIAL_OR_NAME = re.compile(r"\$\$\{|\$\{|\{(?=\$[.\[])|[{}]")
_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_NAME = re.compile(r"\{([A-Za-z0-9_-]+)\}")
_TEMPLATE = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class SecretPiece:
    """A ``${NAME}`` or ``${NAME:-default}``."""

    name: str
    default: str | None

    def evaluate(self) -> str:
        """Return the secret's value, or its default where it is missing or empty.

        :raises SecretError: where it is missing and there is no default.
        """
        try:
            value = CURRENT.get().scope.secret(self.name)
        except SecretError:
            if self.default is None:
                raise
            return self.default
        return self.default if not value and self.default is not None else value


@dataclass(frozen=True)
class PathPiece:
    """A ``{$.path}``."""

    path: Path

    def evaluate(self) -> object:
        """Return what the path selects.

        :raises ExpressionError: where there is nothing.
        """
        return self.path.required(CURRENT.get().scope)


@dataclass(frozen=True)
class NamePiece:
    """A ``{name}`` of an endpoint: a local name, an input or a variable."""

    name: str

    def quick(self, scope: Scope) -> Any:
        """Return the value of the name, ``MISSING`` where there is none."""
        for names in (scope.extra.get("path", {}), scope.extra, scope.inputs, scope.variables):
            if self.name in names:
                return names[self.name]
        return MISSING

    def evaluate(self) -> object:
        """Return the value of the name.

        :raises ExpressionError: where there is none.
        """
        value = self.quick(CURRENT.get().scope)
        if value is not MISSING:
            return value
        raise ExpressionError(f"the endpoint's '{{{self.name}}}' is neither in input_map nor an input nor a variable")


Piece = str | SecretPiece | PathPiece | NamePiece


def has_template(text: str) -> bool:
    """Tell whether a text has ``{{``, ``{%`` or ``{#``."""
    return _TEMPLATE.search(text) is not None


def cut(text: str, compile_path: Callable[[str], Path], *, names: bool = False) -> list[Piece]:
    """Cut a text that has no Jinja in it into pieces; ``$${`` becomes a plain ``${``.

    ``compile_path`` compiles the paths found. ``names`` is for endpoints: ``{name}`` is a piece.

    :raises ExpressionError: where a secret, a path or a name is not well formed; with the line within ``text``.
    """
    pieces: list[Piece] = []
    special = _SPECIAL_OR_NAME if names else _SPECIAL
    start = 0
    while match := special.search(text, start):
        pieces.append(text[start : match.start()])
        try:
            piece, start = _piece(text, match, compile_path)
        except ExpressionError as error:
            raise ExpressionError(error.message, line=text.count("\n", 0, match.start()) + 1) from None
        pieces.append(piece)
    pieces.append(text[start:])
    return _merged(pieces)


def _piece(text: str, match: re.Match[str], compile_path: Callable[[str], Path]) -> tuple[Piece, int]:
    if match.group() == "$${":
        return "${", match.end()
    if match.group() == "${":
        secret = _SECRET.match(text, match.start())
        if secret is None:
            message = "'${' begins a secret, written ${NAME} or ${NAME:-default}. Write $${ for a plain '${'."
            raise ExpressionError(message)
        return SecretPiece(secret.group(1), secret.group(2)), secret.end()
    if text.startswith(("{$.", "{$["), match.start()):
        end = _path_end(text, match.end())
        return PathPiece(compile_path(text[match.end() : end])), end + 1
    name = _NAME.match(text, match.start())
    if name is None:
        raise ExpressionError("a brace is written {name}, {{ expression }} or {$.path}; a plain one is %7B or %7D")
    return NamePiece(name.group(1)), name.end()


def _path_end(text: str, start: int) -> int:
    """Return where the ``}`` of a path is, quoted ones apart."""
    quote = ""
    position = start
    while position < len(text):
        char = text[position]
        if quote:
            position += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "}":
            return position
        position += 1
    raise ExpressionError("'{$' begins a path, written {$.path}; its '}' is missing")


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Join neighbouring texts, and leave out empty ones."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    return merged
