"""The sandbox that Jinja runs in: data first, strict, bounded. Imported only where a text has Jinja in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any

from jinja2 import StrictUndefined, pass_context
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from airflow_provider_gimme.errors import ExpressionError, GimmeError
from airflow_provider_gimme.expressions import members, quick
from airflow_provider_gimme.expressions.arithmetic import OPERATORS, join_texts, operate, range_bounded
from airflow_provider_gimme.expressions.data import to_text
from airflow_provider_gimme.expressions.endpoint_text import path_segment, path_text
from airflow_provider_gimme.expressions.functions import Functions
from airflow_provider_gimme.expressions.json_pieces import Literal, Pieces, Slot
from airflow_provider_gimme.expressions.limits import CURRENT, made, tick
from airflow_provider_gimme.expressions.reference import STEP_MEMBERS
from airflow_provider_gimme.expressions.scope import GroupResult, StepResult

__all__ = ["JsonSandbox", "Missing", "Sandbox", "sandbox_for"]

_LOOP_MEMBERS = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"}
    | {"cycle", "changed", "previtem", "nextitem"}
)


_OWN_CALLS = frozenset(("about", "join_texts", "literal", "path_segment", "path_text", "piece", "slot", "step", "tick"))

_PART_SIZE = 64
"""About the memory that a part of a JSON template takes until it is put together, in bytes."""


class Missing(StrictUndefined):
    """A name or member that does not exist: any use of it but ``default`` and ``is defined`` is an error."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is not missing:
            return _no_root_member(self._undefined_obj, self._undefined_name) or members.missing_message(
                self._undefined_obj, self._undefined_name
            )
        return f"'{self._undefined_name}' does not exist here"


def _no_root_member(value: object, name: object) -> str:
    """Say that there is no such input, variable or output; empty where ``value`` is none of these."""
    from airflow_provider_gimme.config.suggestions import did_you_mean

    scope = CURRENT.get().scope
    for kind, names in (("input", scope.inputs), ("variable", scope.variables), ("output", scope.outputs)):
        if value is names:
            near = did_you_mean(str(name), names)
            return f"there is no {kind} {name!r}.{near or ' Write `| default(…)` where it may be absent.'}"
    return ""


@pass_context
def _finalize(_context: Context, value: object) -> str:
    """Write what ``{{ }}`` yields; that this asks for the context also keeps Jinja from folding constants."""
    if isinstance(value, Undefined):
        return str(value)
    text = to_text(value)
    made(len(text))
    return text


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox, with members looked up in data only and all operators bounded."""

    intercepted_binops = frozenset(OPERATORS)
    finalizer: Callable[[Context, Any], Any] = staticmethod(_finalize)

    def __init__(self, functions: Functions) -> None:
        from airflow_provider_gimme.expressions.filters import FILTERS

        super().__init__(
            undefined=Missing,
            finalize=type(self).finalizer,
            autoescape=False,
            optimized=False,
            keep_trailing_newline=True,
            cache_size=0,
        )
        site_filters = {name: _named(f"filter '{name}'", function) for name, function in functions.filters.items()}
        self.filters = {**FILTERS, **site_filters}
        self.globals = {"range": range_bounded, "dict": dict}
        self.site = {name: _named(f"function '{name}'", function) for name, function in functions.functions.items()}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return ``obj.attribute``: a member of the data."""
        if isinstance(obj, LoopContext) and attribute in _LOOP_MEMBERS:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return ``obj[argument]``: a member of the data."""
        if isinstance(obj, Undefined):
            return obj
        found = members.member(obj, argument)
        return self.undefined(obj=obj, name=argument) if found is quick.MISSING else found

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - Jinja's signature
        """Return ``left operator right``, bounded."""
        for value in (left, right):
            if isinstance(value, Undefined):
                str(value)
        return operate(operator, left, right)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Apply a filter by name, as ``map('upper')`` does for every item."""
        tick()
        return super().call_filter(name, *args, **kwargs)

    def call_test(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Apply a test by name, as ``select('odd')`` does for every item."""
        tick()
        return super().call_test(name, *args, **kwargs)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what an expression can come by: functions, macros, methods that read text, and our own calls."""
        if getattr(obj, "__name__", None) in _OWN_CALLS and getattr(self, obj.__name__, None) == obj:
            return obj(*args)
        tick()
        if isinstance(obj, type) and obj is not dict:
            raise ExpressionError(f"{obj.__name__} is not a function")
        return super().call(context, obj, *args, **kwargs)

    def concat(self, parts: Iterable[str]) -> str:
        """Join the parts of a macro or a ``{% set %}`` block."""
        text = "".join(parts)
        made(len(text))
        return text

    # What the rewritten templates call: see ``rewrite``.
    join_texts = staticmethod(join_texts)
    path_segment = staticmethod(path_segment)

    @staticmethod
    def path_text(value: Any) -> str:
        """Return what a ``{{ }}`` of an endpoint yields, encoded but for ``/``."""
        return path_text(str(value) if isinstance(value, Undefined) else value)

    tick = staticmethod(tick)

    @staticmethod
    def piece(index: int) -> Any:
        """Return the value of a secret, a path or a name that stands in the text."""
        return CURRENT.get().table[index].evaluate()

    def step(self, name: Any, *keys: Any) -> Any:
        """Return a step's output, or what lies below it; see the language on ``.status``, ``.error``, ``.failed``."""
        steps = CURRENT.get().scope.steps
        if isinstance(name, Undefined):
            return name
        if not isinstance(name, str) or name not in steps:
            return self.undefined(hint=_no_step(name, steps))
        return self._below(name, steps[name], keys)

    def _below(self, name: str, result: StepResult | GroupResult, keys: tuple[Any, ...]) -> Any:
        if not keys:
            return result if isinstance(result, GroupResult) else result.output
        key, *rest = keys
        if isinstance(result, GroupResult):
            if isinstance(key, str) and key in result.members:
                return self._below(key, result.members[key], tuple(rest))
            value: Any = result
        else:
            value = result.output
        found = members.member(value, key)
        if found is quick.MISSING:
            if key not in STEP_MEMBERS or not hasattr(result, str(key)):
                return self._missing_member(name, value, key)
            found = getattr(result, str(key))
        for each in rest:
            found = self.getitem(found, each)
        return found

    def _missing_member(self, name: str, value: Any, key: object) -> Any:
        if value is None:
            hint = f"step '{name}' has no output (skipped, failed, or an empty answer), so no {key!r}"
            return self.undefined(hint=f"{hint}: write `| default(…)` after it")
        return self.undefined(hint=f"step '{name}': {members.missing_message(value, key)}")

    @staticmethod
    def about(what: str, name: object) -> Any:
        """Return the status, the error or the failed items of a step."""
        steps = CURRENT.get().scope.steps
        if name not in steps:
            raise ExpressionError(_no_step(name, steps))
        return getattr(steps[str(name)], what)


def _no_step(name: object, steps: Mapping[str, Any]) -> str:
    from airflow_provider_gimme.config.suggestions import did_you_mean

    return f"there is no step {name!r} here.{did_you_mean(str(name), steps)}"


def _named(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Make the errors of a site's function say whose they are."""
    return partial(_call_site, what, function)


def _call_site(what: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    for value in (*args, *kwargs.values()):
        if isinstance(value, Undefined):
            str(value)
    try:
        return function(*args, **kwargs)
    except GimmeError:
        raise
    except Exception as error:
        raise ExpressionError(f"{what} failed: {type(error).__name__}: {str(error)[:200]}") from error


@pass_context
def _keep(_context: Context, value: object) -> object:
    return value


class JsonSandbox(Sandbox):
    """The sandbox of a JSON template: it yields literal text and values apart, so that values can be escaped."""

    code_generator_class = NativeCodeGenerator
    finalizer = staticmethod(_keep)

    def concat(self, parts: Iterable[Any]) -> str:
        """Keep the parts of a macro or a ``{% set %}`` block apart, within a text."""
        return Pieces.of(parts)

    @staticmethod
    def literal(index: int) -> Literal:
        """Return a part of the template's own text."""
        evaluation = CURRENT.get()
        evaluation.make(_PART_SIZE)
        found: Literal = evaluation.table[index]
        return found

    @staticmethod
    def slot(value: Any, line: int) -> Slot:
        """Return the value of a ``{{ }}``."""
        if isinstance(value, Undefined):
            str(value)
        made(_PART_SIZE)
        return Slot(value, line)


@lru_cache(maxsize=64)
def sandbox_for(functions: Functions, *, json: bool = False) -> Sandbox:
    """Return the sandbox of a site's functions."""
    return JsonSandbox(functions) if json else Sandbox(functions)
