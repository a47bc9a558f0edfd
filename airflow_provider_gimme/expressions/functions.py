"""A site's own functions and filters: from the entry point ``gimme.functions`` and from ``gimme_*.py`` files.

In a module of a site, the public functions that it defines are functions of the language; those that it lists in
``FILTERS`` (a tuple of functions or of their names, or a dict of name to function) are filters.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from airflow_provider_gimme.errors import FunctionsError
from airflow_provider_gimme.expressions.reference import RESERVED_NAMES

__all__ = ["ENTRY_POINT_GROUP", "Functions", "load_functions"]

ENTRY_POINT_GROUP = "gimme.functions"

_DEFINED = re.compile(r"^def ([A-Za-z]\w*)", re.MULTILINE)
_LISTED = re.compile(r"^FILTERS\b[^=\n]*=([^)\]}]*)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*")
"""What a file defines, as far as that can be seen when it is no Python any more."""

_EMPTY: Mapping[str, Callable[..., Any]] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Functions:
    """The functions and filters of a site, by name."""

    functions: Mapping[str, Callable[..., Any]] = field(default_factory=lambda: _EMPTY)
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=lambda: _EMPTY)

    @classmethod
    def none(cls) -> Functions:
        """Return the functions of a site that has none."""
        return _NONE


_NONE = Functions()


def load_functions(
    folders: Iterable[Path], *, entry_points: bool = True, broken: list[FunctionsError] | None = None
) -> Functions:
    """Load a site's functions: entry points first, then the ``gimme_*.py`` files of each folder by name.

    A folder that does not exist has none. With ``broken``, what is wrong is put there instead of raised, and each
    function that a broken file seems to define raises it when it is called.

    :raises FunctionsError: where one is broken, or a name is reserved or taken; the message names file and cause.
    """
    loaded = _Loaded()
    try:
        for name, module in _entry_point_modules() if entry_points else ():
            loaded.add(module, f"entry point {name!r} of {ENTRY_POINT_GROUP!r}")
    except FunctionsError as error:
        _keep(error, broken)
    for file in {file.resolve(): file for folder in folders for file in _files(folder)}.values():
        try:
            loaded.add(_import_file(file), str(file))
        except FunctionsError as error:
            _keep(error, broken)
            loaded.stand_in(file, error)
    return Functions(MappingProxyType(loaded.functions), MappingProxyType(loaded.filters))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of functions in a folder, by name; not by `glob`, since each workflow asks for them."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    yield from (folder / name for name in names if name.startswith("gimme_") and name.endswith(".py"))


def _keep(error: FunctionsError, broken: list[FunctionsError] | None) -> None:
    """Put an error to the others; raise it where nobody collects them."""
    if broken is None:
        raise error
    broken.append(error)


class _Loaded:
    """What has been loaded so far, and from where."""

    def __init__(self) -> None:
        self.functions: dict[str, Callable[..., Any]] = {}
        self.filters: dict[str, Callable[..., Any]] = {}
        self.sources: dict[tuple[str, str], str] = {}

    def add(self, module: ModuleType, source: str) -> None:
        """Add what one module offers."""
        filters = _filters(module, source)
        for name, function in filters.items():
            self._put("filter", name, function, self.filters, source)
        for name, function in _public_functions(module).items():
            if function not in filters.values():
                self._put("function", name, function, self.functions, source)

    def stand_in(self, file: Path, error: FunctionsError) -> None:
        """Add, for what a broken file seems to define, functions that raise its error."""

        def unusable(*_: Any, **__: Any) -> None:
            raise FunctionsError(str(error))

        text = file.read_text(errors="replace")
        for name in _DEFINED.findall(text):
            self.functions.setdefault(name, unusable)
        for listed in _LISTED.findall(text):
            for name in _NAME.findall(listed):
                self.filters.setdefault(name, unusable)

    def _put(
        self, kind: str, name: str, function: Callable[..., Any], into: dict[str, Callable[..., Any]], source: str
    ) -> None:
        if kind == "function" and name in RESERVED_NAMES:
            raise FunctionsError(f"{source}: '{name}' is a name of the language. Give the function another one.")
        if name in into:
            raise FunctionsError(f"{source}: the {kind} '{name}' is already defined in {self.sources[kind, name]}")
        into[name] = function
        self.sources[kind, name] = source


def _public_functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and inspect.isfunction(value) and value.__module__ == module.__name__
    }


def _filters(module: ModuleType, source: str) -> dict[str, Callable[..., Any]]:
    listed = getattr(module, "FILTERS", ())
    if isinstance(listed, Mapping):
        named = dict(listed)
    elif isinstance(listed, tuple | list | set | frozenset):
        named = {(item if isinstance(item, str) else getattr(item, "__name__", "")): item for item in listed}
    else:
        raise FunctionsError(f"{source}: FILTERS is a tuple of functions, or a dict of name to function")
    return {str(name): _filter(module, name, item, source) for name, item in named.items()}


def _filter(module: ModuleType, name: object, item: object, source: str) -> Callable[..., Any]:
    function: Any = getattr(module, item, None) if isinstance(item, str) else item
    if not callable(function) or not isinstance(name, str) or not name.isidentifier():
        raise FunctionsError(f"{source}: FILTERS lists {name or item!r}, which is not a named function of this module")
    found: Callable[..., Any] = function
    return found


def _import_file(file: Path) -> ModuleType:
    """Import one file under a name of its own, so that two folders may have files of one name."""
    digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
    name = f"gimme_site_{digest}_{file.stem}"
    spec = spec_from_file_location(name, file, loader=SourceFileLoader(name, str(file)))
    if spec is None or spec.loader is None:
        raise FunctionsError(f"{file}: cannot be read as Python")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        reason = f"{type(error).__name__}: {error}{_line(error, file)}"
        raise FunctionsError(f"{file}: cannot be imported: {reason}") from error
    return module


def _line(error: Exception, file: Path) -> str:
    """Say at which line of the file an error came up."""
    if isinstance(error, SyntaxError):
        return ""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""


def _may_have_entry_points() -> bool:
    """Say whether an installed package names our entry point; a look at the texts is much quicker than parsing all."""
    for folder in sys.path:
        try:
            changed = os.stat(folder or ".").st_mtime_ns  # noqa: PTH116 - a Path takes longer than the look
        except OSError:
            continue
        if _is_named_in(folder or ".", changed):
            return True
    return False


@lru_cache(maxsize=256)
def _is_named_in(folder: str, changed: int) -> bool:  # noqa: ARG001 - installing a package changes its folder
    group = f"[{ENTRY_POINT_GROUP}]".encode()
    return any(group in file.read_bytes() for file in Path(folder).glob("*-info/entry_points.txt"))


def _entry_point_modules() -> Iterable[tuple[str, ModuleType]]:
    if not _may_have_entry_points():
        return
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        try:
            module = point.load()
        except Exception as error:
            raise FunctionsError(
                f"entry point {point.name!r} of {ENTRY_POINT_GROUP!r} ({point.value}) cannot be imported:"
                f" {type(error).__name__}: {error}"
            ) from error
        if not isinstance(module, ModuleType):
            raise FunctionsError(f"entry point {point.name!r} of {ENTRY_POINT_GROUP!r} ({point.value}) is not a module")
        yield point.name, module
