"""From one text to its compiled part; Jinja is only loaded where a text has some."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import endpoint_text, pieces
from airflow_provider_gimme.expressions.compiled import Part, constant_part
from airflow_provider_gimme.expressions.data import kind_of, to_text
from airflow_provider_gimme.expressions.limits import Evaluation
from airflow_provider_gimme.expressions.names import Names
from airflow_provider_gimme.expressions.paths import ABSENT, Path
from airflow_provider_gimme.expressions.quick import Quick, constant_quick, quick_condition
from airflow_provider_gimme.expressions.reference import Reference

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions.program import Program
    from airflow_provider_gimme.expressions.rewrite import Mode

__all__ = ["Parts"]

_WHOLE_PATH = re.compile(r"\s*\$[.\[]")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_PATH_WITHIN = re.compile(r"\$(?:[.\[]|\s*$)")


@dataclass(frozen=True)
class Parts:
    """Compile single texts; ``over`` says what ``$`` is."""

    names: Names
    over: Literal["scope", "body"]

    def text(self, text: str) -> Part[str]:
        """Compile a template that yields text."""
        if _WHOLE_PATH.match(text):
            path = self._path(text)
            return Part(lambda evaluation: to_text(path.required(evaluation.scope)), path.references)
        if pieces.has_template(text):
            program = self._program(text)
            return Part(program.text, program.references, program.secrets, quick=program.quick)
        return self._cut(text)

    def value(self, text: str) -> Part[Any]:
        """Compile a template; a single ``{{ }}`` or a whole ``$.path`` keeps its type."""
        if _WHOLE_PATH.match(text):
            path = self._path(text)
            return Part(lambda evaluation: path.required(evaluation.scope), path.references)
        if pieces.has_template(text):
            program = self._program(text, lone=True)
            run = program.value if program.lone else program.text
            return Part(run, program.references, program.secrets, quick=program.quick)
        return self._cut(text)

    def mapped(self, text: str) -> Part[Any]:
        """Compile a constant, a whole ``$.path`` (null if absent), or text with ``{$.path}``."""
        if _WHOLE_PATH.match(text) or (self.over == "body" and text.strip() == "$"):
            return self.path(text)
        if "{{" in text or "{%" in text:
            raise ExpressionError("{{ }} is not understood here: write $.path or {$.path}, or use 'payload'")
        return self._cut(text)

    def path(self, text: str) -> Part[Any]:
        """Compile one path; null if absent."""
        path = self._path(text)

        def run(evaluation: Evaluation) -> Any:
            found = path.find(evaluation.scope)
            return None if found is ABSENT else found

        return Part(run, path.references)

    def expression(self, text: str) -> Part[Any]:
        """Compile a single expression, or a path that must select something."""
        if text.strip().startswith("$") and not text.strip().startswith("${"):
            path = self._path(text)
            return Part(lambda evaluation: path.required(evaluation.scope), path.references)
        program = self._program(_braced(text), lone=True)
        if not program.lone:
            raise ExpressionError("here stands one expression, with or without {{ }} around it, or one $.path")
        return Part(program.value, program.references, program.secrets, quick=program.quick)

    def condition(self, text: str) -> Part[bool]:
        """Compile a condition."""
        part = self._comparison(text) if _is_comparison(text) else self.expression(text)

        def run(evaluation: Evaluation) -> bool:
            value = part.run(evaluation)
            if not isinstance(value, bool):
                raise ExpressionError(f"a condition is true or false (got {kind_of(value)}). Write a comparison.")
            return value

        return Part(run, part.references, part.secrets, quick=quick_condition(part.quick))

    def _comparison(self, text: str) -> Part[Any]:
        if re.fullmatch(r"\$[^=<>!&|()]*", text.strip()):
            return self.expression(text)
        from airflow_provider_gimme.expressions.conditions import comparison_part

        return comparison_part(text.strip(), self.names.local, self.over)

    def json(self, text: str) -> Part[Any]:
        """Compile a template that yields JSON."""
        from airflow_provider_gimme.expressions.json_form import check_form
        from airflow_provider_gimme.expressions.json_pieces import assemble

        program = self._program(text, mode="json")
        check_form(program.tree, program.table, text)
        return Part(lambda evaluation: assemble(program.pieces(evaluation), text), program.references, program.secrets)

    def endpoint(self, text: str) -> tuple[Part[str], frozenset[str]]:
        """Compile a path, and return the ``{name}`` in it."""
        if pieces.has_template(text):
            return self._endpoint_program(text)
        cut = pieces.cut(text, self._path, names=True)
        if all(isinstance(piece, str) for piece in cut):
            return constant_part(endpoint_text.check_path("".join(map(str, cut)))), frozenset()

        def run(_evaluation: Evaluation) -> str:
            texts = [piece if isinstance(piece, str) else endpoint_text.path_segment(piece.evaluate()) for piece in cut]
            return endpoint_text.check_path("".join(texts))

        names = frozenset(piece.name for piece in cut if isinstance(piece, pieces.NamePiece))
        quick = endpoint_text.quick_path([_quick_piece(piece) for piece in cut])
        return Part(run, _references(cut) | self._named(names), _secrets(cut), quick=quick), names

    def _endpoint_program(self, text: str) -> tuple[Part[str], frozenset[str]]:
        whole = self._program(text, lone=True)
        if whole.lone:
            return Part(
                lambda evaluation: endpoint_text.check_path(endpoint_text.whole_url(whole.value(evaluation))),
                whole.references,
            ), frozenset()
        program = self._program(text, mode="endpoint")
        references = program.references | self._named(program.path_names)
        return Part(
            lambda evaluation: endpoint_text.check_path(program.text(evaluation)),
            references,
            program.secrets,
            quick=endpoint_text.quick_path([program.quick]),
        ), program.path_names

    def _named(self, names: frozenset[str]) -> frozenset[Reference]:
        return frozenset(Reference("variable" if name in self.names.variables else "name", name) for name in names)

    def _cut(self, text: str) -> Part[str]:
        cut = pieces.cut(text, self._path)
        if all(isinstance(piece, str) for piece in cut):
            return constant_part("".join(map(str, cut)))

        def run(_evaluation: Evaluation) -> str:
            return "".join(piece if isinstance(piece, str) else to_text(piece.evaluate()) for piece in cut)

        return Part(run, _references(cut), _secrets(cut))

    def _path(self, text: str) -> Path:
        return Path.compile(text, over=self.over, local_names=self.names.local)

    def _program(self, text: str, mode: Mode = "text", *, lone: bool = False) -> Program:
        from airflow_provider_gimme.expressions.program import Program

        return Program.read(text, self.names, self._path, mode, lone=lone)


def _quick_piece(piece: pieces.Piece) -> Quick | None:
    if isinstance(piece, str):
        return constant_quick(piece)
    return endpoint_text.quick_segment(piece.quick) if isinstance(piece, pieces.NamePiece) else None


def _references(cut: list[pieces.Piece]) -> frozenset[Reference]:
    return frozenset().union(*(piece.path.references for piece in cut if isinstance(piece, pieces.PathPiece)))


def _secrets(cut: list[pieces.Piece]) -> frozenset[str]:
    return frozenset(piece.name for piece in cut if isinstance(piece, pieces.SecretPiece))


def _braced(text: str) -> str:
    """Put ``{{ }}`` around a bare expression."""
    return text if pieces.has_template(text) and text.strip().startswith("{") else f"{{{{ {text} }}}}"


def _is_comparison(text: str) -> bool:
    """Tell whether a condition is written with paths of RFC 9535, texts in quotes apart."""
    return not pieces.has_template(text) and _PATH_WITHIN.search(_QUOTED.sub("''", text)) is not None
