"""The picture of the layers, held by reading the imports of every module.

An arrow may only point left; `pure http` is what of `http` needs no aiohttp::

    errors ← pure http ← config ← expressions ← loading ← plan
       ↖ http
    plan, http ← hooks ← triggers ← operators ← build ← surface (bundles, loader, listeners, plugin, cli)
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = "airflow_provider_gimme"
ROOT = Path(__file__).parents[1]
SOURCE = ROOT / PACKAGE

ORDER = (
    "errors",
    "pure http",
    "config",
    "expressions",
    "loading",
    "plan",
    "http",
    "hooks",
    "triggers",
    "operators",
    "build",
    "surface",
)
AIRFLOW_FREE = frozenset(ORDER[: ORDER.index("hooks")])
FOLDERS = {name: name for name in ORDER} | {
    "__init__": "errors",
    "get_provider_info": "errors",
    "api": "surface",
    "bundles": "surface",
    "cli": "surface",
    "listeners": "surface",
    "loader": "surface",
    "plugin": "surface",
    "problem": "errors",
}
STEP_PARTS = {"__init__": "errors", "config": "config", "plan": "plan", "operator": "operators"}
MODULE_LINES = 300
FUNCTION_LINES = 50


@dataclass(frozen=True)
class Import:
    """One import: the full name of what is imported, and its line."""

    name: str
    line: int


@cache
def modules() -> tuple[str, ...]:
    """Return the full names of all modules of the package; a package's own module ends with ``.__init__``."""
    files = sorted(SOURCE.rglob("*.py"))
    return tuple(".".join((PACKAGE, *file.relative_to(SOURCE).with_suffix("").parts)) for file in files)


def path_of(module: str) -> Path:
    """Return the file of a module that `modules` named."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    """Parse a module."""
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


@cache
def imports(module: str) -> tuple[Import, ...]:
    """Return all imports of a module at any level: in functions and under ``TYPE_CHECKING`` too."""
    return tuple(_imports(module))


def _imports(module: str) -> Iterator[Import]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute here"
            yield from (Import(f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def own(name: str) -> str | None:
    """Return the module of the package that an imported name is or lies in, None for any other package."""
    parts = name.split(".")
    while parts and parts[0] == PACKAGE:
        for candidate in (".".join(parts), ".".join((*parts, "__init__"))):
            if candidate in modules():
                return candidate
        parts.pop()
    return None


def package_of(name: str) -> str:
    """Return the top-level package of an imported name."""
    return name.partition(".")[0]


def needs_aiohttp(module: str) -> bool:
    """Tell whether a module imports aiohttp, itself or through others of its folder."""
    seen, waiting = set[str](), {module}
    while waiting:
        reached = waiting.pop()
        seen.add(reached)
        if any(package_of(found.name) == "aiohttp" for found in imports(reached)):
            return True
        targets = {own(found.name) for found in imports(reached)}
        waiting |= {target for target in targets if target and target.startswith(f"{PACKAGE}.http.")} - seen
    return False


@cache
def layer(module: str) -> str:
    """Return the layer of a module: by its path, in ``http`` by whether it needs aiohttp."""
    parts = module.split(".")[1:]
    if parts[0] == "steps":
        return STEP_PARTS[parts[-1]]
    if parts[0] == "http":
        return "http" if parts[1] == "__init__" or needs_aiohttp(module) else "pure http"
    return FOLDERS[parts[0]]


def may_import(importer: str, imported: str) -> bool:
    """Tell whether an arrow between two layers points left."""
    if importer == imported:
        return True
    if importer == "http":
        return imported in {"errors", "pure http"}
    return ORDER.index(imported) < ORDER.index(importer)


def places(module: str, found: Import) -> str:
    """Name an import as an editor would jump to it."""
    return f"{path_of(module).relative_to(ROOT)}:{found.line}: {found.name}"


def test_there_are_modules_to_read() -> None:
    """The walk finds the package; a test of nothing would pass."""
    assert f"{PACKAGE}.errors" in modules()
    assert len(modules()) > 20


@pytest.mark.parametrize("module", modules())
def test_every_module_has_a_layer(module: str) -> None:
    """A new folder is first given a place in the picture."""
    assert layer(module) in ORDER


def test_an_arrow_points_left() -> None:
    """No module imports from a layer to its right, at any level."""
    wrong = [
        f"{places(module, found)} is {layer(target)}, this is {layer(module)}"
        for module in modules()
        for found in imports(module)
        if (target := own(found.name)) and not may_import(layer(module), layer(target))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "importer,imported,allowed",
    [
        ("plan", "config", True),
        ("plan", "http", False),
        ("plan", "pure http", True),
        ("http", "config", False),
        ("http", "errors", True),
        ("config", "plan", False),
        ("hooks", "http", True),
        ("build", "surface", False),
    ],
)
def test_the_picture_is_the_one_above(importer: str, imported: str, allowed: bool) -> None:  # noqa: FBT001
    """The rule says of pairs of layers what the picture says."""
    assert may_import(importer, imported) is allowed


def test_airflow_is_not_imported_left_of_hooks() -> None:
    """Reading, checking and planning a file, and the HTTP engine, work without Airflow."""
    wrong = [
        places(module, found)
        for module in modules()
        if layer(module) in AIRFLOW_FREE
        for found in imports(module)
        if package_of(found.name) == "airflow"
    ]
    assert wrong == []


def test_aiohttp_is_imported_by_the_engine_alone() -> None:
    """Everything else left of `hooks` works without the HTTP library."""
    wrong = [
        places(module, found)
        for module in modules()
        if layer(module) in AIRFLOW_FREE - {"http"}
        for found in imports(module)
        if package_of(found.name) == "aiohttp"
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["request", "auth", "retry", "redaction"])
def test_the_pure_part_of_http_stays_pure(name: str) -> None:
    """Requests, auth flows, retry decisions and redaction need no aiohttp, so that a plan can hold them."""
    assert layer(f"{PACKAGE}.http.{name}") == "pure http"


LIGHT = {
    PACKAGE: "airflow aiohttp pydantic jinja2 jsonpath_rfc9535 jsonschema yaml croniter",
    f"{PACKAGE}.get_provider_info": "airflow aiohttp pydantic jinja2 jsonpath_rfc9535 jsonschema yaml croniter",
    f"{PACKAGE}.http": "airflow aiohttp pydantic jinja2",
    f"{PACKAGE}.http.retry": "airflow aiohttp pydantic jinja2",
    f"{PACKAGE}.config": "airflow aiohttp jinja2 jsonpath_rfc9535 jsonschema croniter",
    f"{PACKAGE}.expressions": "airflow aiohttp jinja2 jsonpath_rfc9535 jsonschema croniter",
    f"{PACKAGE}.loading": "airflow aiohttp jinja2 jsonpath_rfc9535 jsonschema croniter",
    f"{PACKAGE}.plan": "airflow aiohttp jinja2 jsonpath_rfc9535 jsonschema croniter",
    f"{PACKAGE}.cli.main": "airflow aiohttp jinja2 jsonpath_rfc9535 jsonschema croniter",
}
"""What importing a module may not load; heavy packages are imported where they are first used."""


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_is_light(module: str) -> None:
    """A fresh process that imports the module has not loaded any of the packages that it may not load."""
    program = (
        f"import sys, {module}\n"
        f"print(*sorted({{name.partition('.')[0] for name in sys.modules}} & set({LIGHT[module].split()!r})))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "", "")


@pytest.mark.parametrize("module", modules())
def test_modules_are_short(module: str) -> None:
    """A module of more than 300 lines is two modules."""
    assert len(path_of(module).read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("module", modules())
def test_functions_are_short(module: str) -> None:
    """A function of more than 50 lines is several functions."""
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert long == []
