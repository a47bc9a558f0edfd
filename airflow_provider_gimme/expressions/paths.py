"""JSONPath (RFC 9535): compiled once, checked against the scope, evaluated within the limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions.data import to_json
from airflow_provider_gimme.expressions.reference import ANY, Reference
from airflow_provider_gimme.expressions.saved import SavedItems
from airflow_provider_gimme.expressions.scope import NO_ROOT, GroupResult, Scope, StepResult

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathQuery

__all__ = ["ABSENT", "Over", "Path", "parse_path", "path_references", "root_of", "what_is_missing"]

ABSENT = object()
"""What a path that selects nothing gives."""

_ROOTS = ("input", "inputs", "steps", "variables", "outputs", "execution", "run", "provider_id")
_STEP_MEMBERS = ("output", "status", "error", "failed", "answered_by")
_HYPHEN = re.compile(r"\.([A-Za-z_]\w*(?:-\w+)+)")
_KINDS: dict[str, Literal["input", "variable", "output", "run"]] = {
    "input": "input",
    "inputs": "input",
    "variables": "variable",
    "outputs": "output",
    "execution": "run",
    "run": "run",
}

Over = Literal["scope", "body"]


@dataclass(frozen=True)
class Path:
    """A compiled JSONPath; ``keys`` are its names and indices where it selects at most one value."""

    text: str
    query: JSONPathQuery
    keys: tuple[str | int, ...] | None
    references: frozenset[Reference]

    @classmethod
    def compile(cls, text: str, *, over: Over = "scope", local_names: frozenset[str] = frozenset()) -> Path:
        """Compile a path over the scope or over an answer's body.

        :raises ExpressionError: where it is not a JSONPath, or begins with a name the scope does not have.
        """
        return _compile(text.strip(), over, local_names)

    def find(self, scope: Scope) -> Any:
        """Return what the path selects: one value, or a list where it can select many; else :data:`ABSENT`."""
        if self.keys and scope.root is NO_ROOT:
            return _walk(_root_member(scope, self.keys[0]), self.keys[1:])[0]
        return self.find_in(root_of(scope, whole=True))

    def find_in(self, root: Any) -> Any:
        """Return what the path selects in ``root``."""
        if self.keys is not None:
            return _walk(root, self.keys)[0]
        from jsonpath_rfc9535 import JSONPathError

        try:
            return [node.value for node in self.query.finditer(root)]
        except (JSONPathError, TimeoutError, RecursionError) as error:
            raise ExpressionError(f"'{self.text}' cannot be evaluated: {error}") from None

    def required(self, scope: Scope) -> Any:
        """Return what the path selects.

        :raises ExpressionError: where there is nothing; the message says up to where there is something.
        """
        found = self.find(scope)
        if found is ABSENT:
            missing = what_is_missing(self.query, root_of(scope))
            raise ExpressionError(f"'{self.text}' selects nothing: {missing}", absent=True)
        return found


def what_is_missing(query: JSONPathQuery, root: Any) -> str:
    """Say what is not there of a path of at most one value that selects nothing in ``root``."""
    from airflow_provider_gimme.expressions.members import missing_message

    return missing_message(*_walk(root, _keys(query) or ())[1:])


def _walk(value: Any, keys: tuple[str | int, ...]) -> tuple[Any, Any, str | int]:
    """Follow names and indices; return what is there, and the last value and key."""
    before, key = value, keys[0] if keys else ""
    for key in keys:
        before = value
        if isinstance(key, str):
            value = before[key] if isinstance(before, dict) and key in before else ABSENT
        else:
            value = (
                before[key] if isinstance(before, list | SavedItems) and -len(before) <= key < len(before) else ABSENT
            )
        if value is ABSENT:
            break
    return value, before, key


@lru_cache(maxsize=4096)
def _compile(text: str, over: Over, local_names: frozenset[str]) -> Path:
    query = parse_path(text)
    keys = _keys(query)
    references = path_references(text, query, local_names) if over == "scope" else frozenset()
    return Path(text, query, keys, references)


def parse_path(text: str) -> JSONPathQuery:
    """Return a path as the library's query, with the limits put in.

    :raises ExpressionError: where it is not a JSONPath.
    """
    from airflow_provider_gimme.expressions.path_engine import compile_query

    try:
        return compile_query(text)
    except ValueError as error:
        hyphen = _HYPHEN.search(text)
        hint = f" Write ['{hyphen.group(1)}'] for a name with '-'." if hyphen else ""
        raise ExpressionError(f"'{text}' is not a JSONPath (RFC 9535): {error}.{hint}") from None


def _keys(query: JSONPathQuery) -> tuple[str | int, ...] | None:
    if not query.singular_query():
        return None
    selectors: list[Any] = [segment.selectors[0] for segment in query.segments]
    return tuple(selector.name if hasattr(selector, "name") else selector.index for selector in selectors)


def path_references(
    text: str, query: JSONPathQuery, local_names: frozenset[str], *, whole: bool = True
) -> frozenset[Reference]:
    """Return what a path over the scope refers to, paths within its filters included; without ``whole``, only those.

    :raises ExpressionError: where it begins with a name the scope does not have, or misses a step's ``.output``.
    """
    from airflow_provider_gimme.expressions.path_engine import inner_queries

    references: set[Reference] = set()
    for each in (*([query] if whole else []), *inner_queries(query)):
        references.update(_root_references(text, _leading_names(each), local_names))
    return frozenset(references)


def _leading_names(query: JSONPathQuery) -> list[str | None]:
    """Return the first names of a query, None for each that is not written out; at most three."""
    from jsonpath_rfc9535.segments import JSONPathChildSegment
    from jsonpath_rfc9535.selectors import NameSelector

    names: list[str | None] = []
    for segment in query.segments[:4]:
        selectors = segment.selectors
        single = isinstance(segment, JSONPathChildSegment) and len(selectors) == 1
        names.append(selectors[0].name if single and isinstance(selectors[0], NameSelector) else None)
    return names


def _root_references(text: str, names: list[str | None], local_names: frozenset[str]) -> Iterable[Reference]:
    root = names[0] if names else None
    name, member, *_ = [*names[1:], None, None]
    if root is None:
        return [Reference("step", ANY), Reference("output", ANY)]
    if root == "steps":
        return [_step_reference(text, name, names)]
    if root in _KINDS:
        kind = _KINDS[root]
        return [Reference(kind, name, member)] if name else [Reference(kind, ANY)] if kind == "output" else []
    if root == "provider_id" or root in local_names:
        return [Reference("name", root, name)]
    from airflow_provider_gimme.config.suggestions import did_you_mean

    known = {*_ROOTS, *local_names}
    raise ExpressionError(
        f"'{text}': '$' has no '{root}'.{did_you_mean(root, known) or ' There are: ' + ', '.join(sorted(known)) + '.'}"
    )


def _step_reference(text: str, name: str | None, names: list[str | None]) -> Reference:
    member = names[2] if len(names) > 2 else None
    if name is None:
        return Reference("step", ANY)
    if member is not None and member not in _STEP_MEMBERS:
        raise ExpressionError(f"'{text}': a step has {', '.join(_STEP_MEMBERS)}. Write $.steps.{name}.output.{member}.")
    after = names[3] if len(names) > 3 else None
    return Reference("step", name, after if member == "output" else member)


class _Steps(dict[str, Any]):
    """All steps as data, each made when it is asked for."""

    def __init__(self, scope: Scope, *, whole: bool = False) -> None:
        """Take the steps of a scope; with ``whole`` lists that are kept in files are read."""
        super().__init__({name: step for name, step in scope.steps.items() if not getattr(step, "unread", ())})
        self._scope, self._whole = scope, whole

    def __getitem__(self, name: str) -> Any:
        data = _step_data(self._scope.steps[name])
        return _read_whole(data) if self._whole else data

    def items(self) -> Any:
        """Return all names and steps."""
        return [(name, self[name]) for name in self]


def _step_data(result: StepResult | GroupResult) -> dict[str, Any]:
    return {name: getattr(result, name, None) for name in _STEP_MEMBERS}


def _read_whole(data: dict[str, Any]) -> dict[str, Any]:
    """Read lists that are kept in files: a path that looks for things goes through all of them."""
    return {name: list(value) if isinstance(value, SavedItems) else value for name, value in data.items()}


def _root_member(scope: Scope, name: str | int) -> Any:
    """Return one member of what ``$`` means in a scope, without making the others."""
    if name == "steps":
        return _Steps(scope)
    if name in {"input", "inputs"}:
        return dict(scope.inputs)
    if name in {"variables", "outputs"}:
        return dict(getattr(scope, str(name)))
    if name in {"execution", "run"}:
        return to_json(scope.run_data())
    if name == "provider_id":
        return scope.provider_id
    return scope.extra.get(str(name), ABSENT)


def root_of(scope: Scope, *, whole: bool = False) -> Any:
    """Return what ``$`` means in a scope; with ``whole`` lists that are kept in files are read where they are met."""
    if scope.root is not NO_ROOT:
        return scope.root
    inputs, run = dict(scope.inputs), to_json(scope.run_data())
    return {
        **scope.extra,
        "input": inputs,
        "inputs": inputs,
        "steps": _Steps(scope, whole=whole),
        "variables": dict(scope.variables),
        "outputs": dict(scope.outputs),
        "execution": run,
        "run": run,
        "provider_id": scope.provider_id,
    }
