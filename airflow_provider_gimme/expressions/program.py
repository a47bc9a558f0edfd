"""A Jinja template, read and checked at once, turned into code when it is first evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.runtime import Undefined

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.endpoint_text import quoted
from airflow_provider_gimme.expressions.environment import Sandbox, sandbox_for
from airflow_provider_gimme.expressions.limits import Evaluation
from airflow_provider_gimme.expressions.names import Names
from airflow_provider_gimme.expressions.paths import Path
from airflow_provider_gimme.expressions.plain import plain_of, plain_text_of
from airflow_provider_gimme.expressions.quick import MISSING, Quick
from airflow_provider_gimme.expressions.reference import Reference
from airflow_provider_gimme.expressions.rewrite import Mode, Rewriter
from airflow_provider_gimme.expressions.syntax import secret_within
from airflow_provider_gimme.expressions.wording import plain_words

__all__ = ["Program", "template_line"]

_VALUE = "gimme_value__"


@dataclass(frozen=True)
class Program:
    """One template; ``lone`` says that it is a single expression, so that its value keeps its type."""

    tree: nodes.Template
    sandbox: Sandbox
    table: tuple[Any, ...]
    used: frozenset[str]
    references: frozenset[Reference]
    secrets: frozenset[str]
    path_names: frozenset[str]
    local: frozenset[str]
    lone: bool
    quick: Quick | None = None
    """What evaluates a single expression, or renders the text, without Jinja, where that can be done."""

    @classmethod
    def read(
        cls, text: str, names: Names, compile_path: Callable[[str], Path], mode: Mode = "text", *, lone: bool = False
    ) -> Program:
        """Read a template; with ``lone``, one that is a single ``{{ }}`` becomes its value.

        :raises ExpressionError: where it is not well formed, or uses what there is not; with the line.
        """
        sandbox = sandbox_for(names.functions, json=mode == "json")
        tree = _parse(sandbox, text)
        single = _single(tree) if lone else None
        quick = None
        if single is not None:
            quick, tree = plain_of(single, names.local), _value_tree(single)
        elif mode != "json":
            quick = plain_text_of(tree, names.local, str if mode == "text" else quoted)
        rewriter = Rewriter(sandbox, names, mode, compile_path)
        try:
            tree = rewriter.rewrite(tree)
        except RecursionError:
            raise ExpressionError("the expression is nested too deeply") from None
        tree.set_environment(sandbox)
        return cls(
            tree,
            sandbox,
            tuple(rewriter.table),
            frozenset(rewriter.used),
            frozenset(rewriter.references),
            frozenset(rewriter.secrets),
            frozenset(rewriter.path_names),
            names.local,
            single is not None,
            quick,
        )

    @cached_property
    def _template(self) -> Template:
        try:
            template = self.sandbox.from_string(self.tree)
        except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
            raise ExpressionError(f"the expression cannot be compiled: {error}") from None
        template.globals = {}  # They are among the variables: Jinja would gather them anew for each evaluation.
        return template

    def _parts(self, evaluation: Evaluation) -> tuple[dict[str, Any], Iterable[Any]]:
        """Return the template's variables, and what it yields."""
        evaluation.table = self.table
        known = dict(self.sandbox.globals)
        for name in self.used:
            try:
                known[name] = evaluation.scope.name(name, self.local)
            except KeyError:
                if name in self.sandbox.site:
                    known[name] = self.sandbox.site[name]
        context = self._template.new_context(known, shared=True)
        return context.vars, self._template.root_render_func(context)

    def text(self, evaluation: Evaluation) -> str:
        """Return the rendered text."""
        parts: list[str] = []
        size = 0
        for part in self._parts(evaluation)[1]:
            size += len(part)
            if size > evaluation.limits.output_bytes:
                raise evaluation.too_large()
            parts.append(part)
        return "".join(parts)

    def value(self, evaluation: Evaluation) -> Any:
        """Return the value of a single expression."""
        if self.quick is not None and (found := self.quick(evaluation.scope)) is not MISSING:
            return found
        known, parts = self._parts(evaluation)
        for _part in parts:
            pass
        value = known[_VALUE]
        if isinstance(value, Iterator):
            return list(value)
        return str(value) if isinstance(value, Undefined) else value

    def pieces(self, evaluation: Evaluation) -> list[Any]:
        """Return the literals and values of a JSON template."""
        return list(self._parts(evaluation)[1])


def _parse(sandbox: Sandbox, text: str) -> nodes.Template:
    try:
        return sandbox.parse(text)
    except TemplateSyntaxError as error:
        raise _syntax_error(text, error) from None
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply") from None


def _syntax_error(text: str, error: TemplateSyntaxError) -> ExpressionError:
    lines = text.split("\n")
    line = min(max(error.lineno, 1), len(lines))
    message = str(error.message or "it is no template")
    if "'$'" in message:
        if "${" in lines[line - 1]:
            return secret_within(line)
        return ExpressionError("a path within {{ }} is not understood: write {$.path} outside of {{ }}", line=line)
    return ExpressionError(f"the template cannot be read: {plain_words(message)}", line=line)


def _single(tree: nodes.Template) -> nodes.Expr | None:
    """Return the one expression a template consists of, white space around it apart."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    children = tree.body[0].nodes
    expressions = [child for child in children if not isinstance(child, nodes.TemplateData)]
    blank = all(not child.data.strip() for child in children if isinstance(child, nodes.TemplateData))
    return expressions[0] if len(expressions) == 1 and blank else None


def _value_tree(expression: nodes.Expr) -> nodes.Template:
    target = nodes.Name(_VALUE, "store", lineno=expression.lineno)
    return nodes.Template([nodes.Assign(target, expression, lineno=expression.lineno)], lineno=1)


def template_line(trace: TracebackType | None) -> int | None:
    """Return the line of the template at which an error came up."""
    line: int | None = None
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
