"""One walk over a template's syntax tree: check it, note what it refers to, and put our own calls in.

What is put in: a look at the clock in every loop and macro; ``steps.x…`` as one call that knows about skipped steps
and ``.status``; secrets, paths and names that stand in the text; for JSON, literals and values apart. As the text is
cut here, in the tree, and not before or after, nothing is ever evaluated twice.
"""

# ruff: noqa: N802 - Jinja calls its visitors by the names of its nodes

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import pieces
from airflow_provider_gimme.expressions.chains import chain_of, check_hyphen, constant, references_of
from airflow_provider_gimme.expressions.environment import Sandbox
from airflow_provider_gimme.expressions.json_pieces import Literal as JsonLiteral
from airflow_provider_gimme.expressions.names import Names
from airflow_provider_gimme.expressions.paths import Path, parse_path
from airflow_provider_gimme.expressions.reference import ANY, ROOT_NAMES, STEP_FUNCTIONS, Reference
from airflow_provider_gimme.expressions.syntax import bound_names, check_once, check_secret, check_tags

__all__ = ["Mode", "Rewriter"]

Mode = Literal["text", "json", "endpoint"]

_NodeT = TypeVar("_NodeT", bound=nodes.Node)


@dataclass
class Rewriter(NodeTransformer):
    """The walk over one template; afterwards it holds what it has found."""

    sandbox: Sandbox
    names: Names
    mode: Mode
    compile_path: Callable[[str], Path]
    table: list[Any] = field(default_factory=list)
    references: set[Reference] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    path_names: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    bound: frozenset[str] = frozenset()
    block_depth: int = 0

    def rewrite(self, tree: nodes.Template) -> nodes.Template:
        """Return the tree, checked and rewritten.

        :raises ExpressionError: where it uses what there is not.
        """
        check_tags(tree)
        self.bound = bound_names(tree)
        rewritten: nodes.Template = self.visit(tree)
        return rewritten

    def visit_Name(self, node: nodes.Name) -> nodes.Expr:
        """Note a bare name."""
        if node.ctx != "load":
            return node
        self.used.add(node.name)
        if node.name not in self.bound:
            self._note(node, [])
        return node

    def _note(self, root: nodes.Name, keys: list[nodes.Expr]) -> None:
        name = root.name
        if name in ROOT_NAMES:
            self.references |= references_of(name, keys)
            return
        first = constant(keys[0]) if keys else None
        member = first if isinstance(first, str) else None
        if name in self.names.local:
            self.references.add(Reference("name", name, member))
        elif name in self.names.variables:
            self.references.add(Reference("variable", name, member))
        else:
            raise self.names.unknown(name, root.lineno)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:
        """Note a chain of members; make one call of a step's."""
        return self._chain(node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        """Note a chain of members; make one call of a step's."""
        return self._chain(node)

    def _chain(self, node: nodes.Getattr | nodes.Getitem) -> nodes.Expr:
        root, keys = chain_of(node)
        if root is None or root.name in self.bound:
            return _generic(self, node)
        self._note(root, keys)
        if root.name == "steps":
            return _call("step", [self.visit(key) for key in keys], node.lineno)
        self.used.add(root.name)
        each: nodes.Expr = node
        while isinstance(each, nodes.Getattr | nodes.Getitem):
            if isinstance(each, nodes.Getitem):
                each.arg = self.visit(each.arg)
            each = each.node
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:
        """Note a function; make ``status('x')`` and its like calls of ours."""
        check_once([keyword.key for keyword in node.kwargs], "argument", node.lineno)
        name = node.node.name if isinstance(node.node, nodes.Name) else None
        if name is None or name in self.bound:
            return _generic(self, node)
        if name in STEP_FUNCTIONS:
            return self._about(name, node)
        if name in self.names.functions.functions:
            self.references.add(Reference("function", name))
        elif name not in {"range", "dict"}:
            raise self.names.unknown(name, node.lineno, called=True)
        self.used.add(name)
        callee, node.node = node.node, nodes.Const(None)
        node = _generic(self, node)
        node.node = callee
        return node

    def _about(self, what: str, node: nodes.Call) -> nodes.Expr:
        if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise ExpressionError(f"{what} takes the name of one step: {what}('step')", line=node.lineno)
        step = constant(node.args[0])
        self.references.add(Reference("step", step, what) if isinstance(step, str) else Reference("step", ANY))
        return _call("about", [nodes.Const(what), self.visit(node.args[0])], node.lineno)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Expr:
        """Check and note a filter, and one that is given by name."""
        check_once([str(keyword.key) for keyword in node.kwargs], "argument", node.lineno)
        self._check_filter(node.name, node.lineno)
        first = node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else None
        if node.name == "map" and isinstance(first, str):
            self._check_filter(first, node.lineno)
        if node.name == "jsonpath" and isinstance(first, str):
            _at(node.lineno, parse_path, first)
        return _generic(self, node)

    def _check_filter(self, name: str, line: int) -> None:
        if name not in self.sandbox.filters:
            raise self.names.unknown_filter("filter", name, set(self.sandbox.filters), line)
        self.references.add(Reference("filter", name))

    def visit_Test(self, node: nodes.Test) -> nodes.Expr:
        """Check a test."""
        if node.name not in self.sandbox.tests:
            raise self.names.unknown_filter("test", node.name, set(self.sandbox.tests), node.lineno)
        return _generic(self, node)

    def visit_Const(self, node: nodes.Const) -> nodes.Expr:
        """Refuse a secret within an expression."""
        check_secret(node)
        return node

    def visit_Sub(self, node: nodes.Sub) -> nodes.Expr:
        """Refuse ``steps.my-step``."""
        check_hyphen(node, self.bound | self.names.variables | self.names.local | ROOT_NAMES)
        return _generic(self, node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        """Make ``~`` a bounded call."""
        return _call("join_texts", [self.visit(each) for each in node.nodes], node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """Look at the clock in every round of a loop."""
        node = _generic(self, node)
        node.body = [_tick(node.lineno), *node.body]
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        """Look at the clock in every call of a macro."""
        check_once([argument.name for argument in node.args], "argument", node.lineno)
        node = self._block(node)
        node.body = [_tick(node.lineno), *node.body]
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        """Walk over a block that is handed on."""
        return self._block(node)

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:
        """Walk over a block that is kept."""
        return self._block(node)

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> nodes.Node:
        """Walk over a block that is filtered."""
        return self._block(node)

    def _block(self, node: _NodeT) -> _NodeT:
        self.block_depth += 1
        node = _generic(self, node)
        self.block_depth -= 1
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        """Cut the text, and mark what ``{{ }}`` yields."""
        made: list[nodes.Expr] = []
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                made += self._data(child)
            else:
                made.append(self._slot(self.visit(child), child.lineno))
        node.nodes = made
        return node

    def _slot(self, value: nodes.Expr, line: int) -> nodes.Expr:
        if self.mode == "json":
            return _call("slot", [value, nodes.Const(line)], line)
        if self.mode == "endpoint" and self.block_depth == 0:
            return _call("path_text", [value], line)
        return value

    def _data(self, node: nodes.TemplateData) -> list[nodes.Expr]:
        names = self.mode == "endpoint"
        line = node.lineno
        made: list[nodes.Expr] = []
        for piece in _at(line, pieces.cut, node.data, self.compile_path, names=names):
            if isinstance(piece, str):
                made.append(self._literal(piece, line))
            else:
                made.append(self._piece(piece, line))
            line += piece.count("\n") if isinstance(piece, str) else 0
        return made

    def _literal(self, text: str, line: int) -> nodes.Expr:
        if self.mode != "json":
            return nodes.TemplateData(text, lineno=line)
        self.table.append(JsonLiteral(text, line))
        return _call("literal", [nodes.Const(len(self.table) - 1)], line)

    def _piece(self, piece: pieces.SecretPiece | pieces.PathPiece | pieces.NamePiece, line: int) -> nodes.Expr:
        if isinstance(piece, pieces.SecretPiece):
            if self.block_depth:
                raise ExpressionError(f"'${{{piece.name}}}' stands in a block. Write it in the text itself.", line=line)
            self.secrets.add(piece.name)
        elif isinstance(piece, pieces.PathPiece):
            self.references |= piece.path.references
        else:
            self.path_names.add(piece.name)
        self.table.append(piece)
        value = _call("piece", [nodes.Const(len(self.table) - 1)], line)
        if self.mode == "endpoint":
            return _call("path_segment", [value], line)
        return self._slot(value, line)


def _at(line: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function, and tell its errors at the template's own lines."""
    try:
        return function(*args, **kwargs)
    except ExpressionError as error:
        raise ExpressionError(error.message, line=line + (error.line or 1) - 1) from None


def _generic(rewriter: Rewriter, node: _NodeT) -> _NodeT:
    rewriter.generic_visit(node)
    return node


def _call(method: str, arguments: list[nodes.Expr], line: int) -> nodes.Call:
    """Return a call of one of the sandbox's own methods."""
    return nodes.Call(nodes.EnvironmentAttribute(method), arguments, [], None, None, lineno=line)


def _tick(line: int) -> nodes.ExprStmt:
    return nodes.ExprStmt(_call("tick", [], line), lineno=line)
