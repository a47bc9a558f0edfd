"""Write the Python files that Airflow sees for workflow files.

Airflow finds Dags in Python files only, so each workflow gets a small one, a *stub*, that carries the workflow's whole
text. The text is written as a person wrote it wherever that can be shown to be safe, as escaped lines otherwise.

What makes it safe is not a list of dangerous characters: every readable stub is parsed, and it is used only if its
syntax tree is that of the plain form, in which the text is one escaped ASCII literal. So a text can never add a
statement, change an argument or read other than it is.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from airflow_provider_gimme.errors import Problem

__all__ = ["Stub", "problem_stub", "workflow_stub"]

_IMPORT = "from airflow_provider_gimme.build import build_workflow"
_QUOTES = ('r"""', "r'''")


@dataclass(frozen=True)
class Stub:
    """What a workflow's stub tells the builder, beside the text."""

    file: str
    """The workflow file, relative to its folder."""
    environment: str | None = None
    """The overlay to apply."""
    fingerprint: str | None = None
    """The hash of all that shapes a run."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """Slots of the pools that the workflow names: the smallest among all files."""
    note: str | None = None
    """What a reader of the Dag has to know: that its file has problems, or is gone."""
    scheduled: bool = True
    """Whether the Dag keeps its schedule."""
    bindings: tuple[str, ...] = ()
    """Which events start it, as texts."""
    around: Mapping[str, str] = field(default_factory=dict)
    """The texts of the files around it that shape it, by file."""

    @property
    def arguments(self) -> str:
        """The keywords of the call, as ASCII literals on one line."""
        pools = dict(sorted(self.pools.items()))
        values = (self.file, self.environment, self.fingerprint, pools, self.note, self.scheduled)
        names = ("file", "environment", "fingerprint", "pools", "note", "scheduled")
        rows = [*zip(names, values, strict=True), *([("bindings", self.bindings)] if self.bindings else [])]
        return ", ".join(f"{name}={value!a}" for name, value in rows)


def workflow_stub(text: str, stub: Stub) -> bytes:
    """Write the stub that builds a workflow's Dag from ``text``: two lines, the text, then the texts around it.

    The result is UTF-8 Python whose only statements are an import and one call with literals.
    """
    return _written(text, stub.arguments, tuple(sorted(stub.around.items())))


@functools.lru_cache(maxsize=4096)
def _written(text: str, arguments: str, around: tuple[tuple[str, str], ...]) -> bytes:
    """Write a stub; remembered, because every refresh asks for all of them again."""
    start = f"{_IMPORT}\ndag = build_workflow({arguments}, text="
    plain = start + _plain(text) + _around(around, _plain) + ")\n"
    tree = ast.dump(ast.parse(plain))
    readable = start + _literal(text) + _around(around, _literal) + ")\n"
    return (readable if _means(readable, tree) else plain).encode()


def _around(texts: Iterable[tuple[str, str]], form: Callable[[str], str]) -> str:
    """Write the argument with the texts around a workflow's; nothing where there are none."""
    entries = "".join(f"{file!a}: {form(text)},\n" for file, text in texts)
    return f", around={{\n{entries}}}" if entries else ""


def _plain(text: str) -> str:
    """Write a text as one escaped ASCII literal, in the syntax tree of all forms."""
    return f"{chr(10) + text!a}[1:]"


def _literal(text: str) -> str:
    """Write a text as a person wrote it where that reads the same, else as escaped lines."""
    tree = ast.dump(ast.parse(_plain(text)))
    forms = [f"{quotes}\n{text}{quotes[1:]}[1:]" for quotes in _QUOTES if _is_plain(text)]
    forms.append(f"(\n    '\\n'\n{_escaped_lines(text)})[1:]")
    return next((form for form in forms if _means(form, tree)), _plain(text))


def problem_stub(problems: Iterable[Problem]) -> bytes:
    """Write the stub that raises ``problems`` as an import error, and defines no Dag."""
    rows = "".join(
        f"    Problem({problem.file!a}, {problem.line:d}, {problem.column:d}, {problem.path!a}, {problem.message!a}),\n"
        for problem in sorted(problems)
    )
    return (
        "from airflow_provider_gimme.errors import Problem, WorkflowError  # why this file makes no new Dag\n"
        f"PROBLEMS = (\n{rows})\nraise WorkflowError(PROBLEMS)\n"
    ).encode()


def _is_plain(text: str) -> bool:
    """Tell whether every character shows as itself, so that nobody reads other than Python does."""
    return all(line.isprintable() for line in text.replace("\t", " ").split("\n"))


def _escaped_lines(text: str) -> str:
    """Write ``text`` as one literal a line; characters that do not show are escaped."""
    return "".join(f"    {line!r}\n" for line in _lines(text))


def _lines(text: str) -> list[str]:
    r"""Split after each ``\n``; unlike ``splitlines``, at nothing else."""
    *ended, last = text.split("\n")
    return [line + "\n" for line in ended] + ([last] if last else [])


def _means(source: str, tree: str) -> bool:
    """Tell whether Python reads ``source`` as the syntax tree whose dump is ``tree``."""
    try:
        return ast.dump(ast.parse(source.encode())) == tree
    except (SyntaxError, ValueError):
        return False
