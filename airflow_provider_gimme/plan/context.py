"""What planning a file needs at hand: the file, its problems so far, and a compiler for its expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_gimme.errors import ExpressionError, Problem
from airflow_provider_gimme.expressions import Compiler, Functions
from airflow_provider_gimme.plan.site import NOWHERE, Site

if TYPE_CHECKING:
    from airflow_provider_gimme.config import Workflow
    from airflow_provider_gimme.expressions import Compiled, Reference
    from airflow_provider_gimme.loading import Loaded

__all__ = ["Context", "Kind", "Path"]

Path = tuple[str | int, ...]
"""Where in a document: keys and indexes from its root."""

Kind = Literal[
    "template",
    "value",
    "expression",
    "condition",
    "json_template",
    "mapping",
    "path_mapping",
    "body_path",
    "body_expression",
    "body_condition",
    "endpoint",
]
"""How a text is compiled: the methods of ``Compiler``."""


@dataclass(frozen=True)
class Context:
    """One place of a file while it is planned: compiles what stands there and collects problems and references."""

    loaded: Loaded
    workflow: Workflow
    functions: Functions
    site: Site = NOWHERE
    path: Path = ()
    problems: list[Problem] = field(default_factory=list)
    references: list[tuple[Path, Reference]] = field(default_factory=list)
    compilers: dict[frozenset[str], Compiler] = field(default_factory=dict, repr=False)
    structures: dict[Path, tuple[Compiler, Kind, Any]] = field(default_factory=dict, repr=False)
    """What was compiled of structures, by place: a fault that is found later is told where its text stands."""
    names: tuple[str, ...] = ()
    """What expressions at this place and below it know beside the scope: ``item``, where there is one."""

    @property
    def input_schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema of the run's conf, written in the file or named by it."""
        return self.loaded.schemas.inputs if self.workflow.inputs is None else self.workflow.inputs

    def at(self, *path: str | int) -> Context:
        """Return the context of a place below this one; problems and references are shared."""
        context = object.__new__(Context)  # as _but() does: more than anything else of a file is looked at by this
        context.__dict__.update(self.__dict__)
        context.__dict__["path"] = self.path + path
        return context

    def root(self) -> Context:
        """Return the context of the whole document."""
        return self._but(path=(), names=())

    def knowing(self, *names: str) -> Context:
        """Return this place with names that all expressions know at it and below it."""
        return self._but(names=(*self.names, *names))

    def separate(self) -> Context:
        """Return this place with references of its own, so that what one part refers to can be told."""
        return self._but(references=[])

    def step(self, index: int) -> Context:
        """Return the place of a step, with references of its own."""
        return self._but(path=("steps", index), names=self._run_names, references=[])

    def of_run(self) -> Context:
        """Return the whole document for what a run evaluates: expressions know ``state``, where there is any."""
        return self._but(path=(), names=self._run_names)

    @property
    def _run_names(self) -> tuple[str, ...]:
        return ("state",) if self.workflow.state else ()

    def report(self, message: str, *, line: int | None = None, warning: bool = False) -> None:
        """Add a problem at this place; ``line`` counts from 1 within the text that stands here."""
        severity: Literal["error", "warning"] = "warning" if warning else "error"
        offset = 0 if line is None else line - 1
        self.problems.append(self.loaded.at(self.path, message, line_offset=offset, severity=severity))

    def compile(self, kind: Kind, source: Any, *local_names: str) -> Compiled[Any]:
        """Compile what stands at this place; a fault becomes a problem and something harmless is returned."""
        compiler = self.compiler(*self.names, *local_names)
        compiled: Compiled[Any]
        try:
            compiled = getattr(compiler, kind)(source)
        except ExpressionError as error:
            if not self._report_inside(compiler, kind, source):
                self.report(error.message, line=error.line)
            return compiler.template("")
        if type(source) is not str:
            self.structures[self.path] = compiler, kind, source
        self.references.extend((self.path, reference) for reference in compiled.references)
        return compiled.standing_at(_place(self.path))

    def exact(self, path: Path, reference: Reference) -> Path:
        """Return where within the structure at ``path`` a reference stands; ``path`` itself for a single text."""
        if path not in self.structures:
            return path
        compiler, kind, structure = self.structures[path]
        found = (below for below, text in _leaves(structure) if reference in getattr(compiler, kind)(text).references)
        return (*path, *next(found, ()))

    def _report_inside(self, compiler: Compiler, kind: Kind, structure: Any) -> bool:
        """Report each fault within a structure, at its own place; tell whether there was one."""
        before = len(self.problems)
        for below, text in _leaves(structure):
            place = self.at(*below)
            try:
                compiled = getattr(compiler, kind)(text)
            except ExpressionError as error:
                place.report(error.message, line=error.line)
            else:
                self.references.extend((place.path, reference) for reference in compiled.references)
        return len(self.problems) > before

    def compiler(self, *local_names: str) -> Compiler:
        """Return the compiler for this file, which knows some more names; each set of names has one."""
        names = frozenset(local_names)
        if names not in self.compilers:
            self.compilers[names] = Compiler(self.functions, frozenset(self.workflow.variables), names)
        return self.compilers[names]

    def _but(self, **changes: Any) -> Context:
        context = object.__new__(Context)  # not by replace(): this is done some twenty times for each step
        context.__dict__.update(self.__dict__, **changes)
        return context

    def texts(self, written: Mapping[str, str] | None, *local_names: str) -> dict[str, Compiled[str]]:
        """Compile the templates of a map, each at its own place."""
        return {name: self.at(name).compile("template", text, *local_names) for name, text in (written or {}).items()}


def _leaves(structure: Any) -> Iterator[tuple[Path, Any]]:
    """Yield each text of an object or a list and where in it that is; a key is an object of nothing else."""
    if not isinstance(structure, Mapping | list | tuple):
        return
    for key, item in structure.items() if isinstance(structure, Mapping) else enumerate(structure):
        if isinstance(key, str):
            yield (key,), {key: None}
        if isinstance(item, str):
            yield (key,), item
        else:
            yield from (((key, *below), text) for below, text in _leaves(item))


def _place(path: Path) -> str:
    """Write where something stands, in a step from the step on: its error is told with the step's name anyway."""
    keys = path[2:] if path[:1] == ("steps",) else path
    return ".".join(str(key) for key in keys)
