"""Each module lists what others may use of it, and what is listed is there."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from airflow_provider_gimme import errors
from airflow_provider_gimme.get_provider_info import get_provider_info
from tests.test_layers import PACKAGE, ROOT, modules, path_of, tree_of

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own API uses what starlette deprecates


def _public(module: str) -> set[str]:
    """Return the functions, classes and constants that a module defines without a leading underscore."""
    names: set[str] = set()
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def _listed(module: str) -> list[str] | None:
    """Return the module's ``__all__`` as it is written, None without one."""
    for node in tree_of(module).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return list(ast.literal_eval(node.value))
    return None


def _with_code() -> list[str]:
    """Return the modules that hold more than a docstring and imports."""
    return [module for module in modules() if _public(module) or _listed(module) is not None]


@pytest.mark.parametrize("module", _with_code())
def test_a_module_lists_what_it_defines(module: str) -> None:
    """What is public is in ``__all__``, what is not has a leading underscore."""
    listed = _listed(module)
    assert listed is not None, f"{path_of(module).relative_to(ROOT)} has no __all__"
    assert _public(module) - set(listed) == set()
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("module", _with_code())
def test_what_is_listed_is_there(module: str) -> None:
    """Every name of ``__all__`` can be had from the module, those loaded at first use included."""
    loaded = importlib.import_module(module.removesuffix(".__init__"))
    assert [name for name in _listed(module) or () if not hasattr(loaded, name)] == []


def _errors(error: type[Exception]) -> set[type[Exception]]:
    return {error}.union(*(_errors(child) for child in error.__subclasses__()))


def test_the_tree_of_errors_is_drawn_whole() -> None:
    """Every error of the package stands in `errors` and in the picture of its docstring."""
    for module in modules():
        importlib.import_module(module.removesuffix(".__init__"))
    ours = {error for error in _errors(errors.GimmeError) if error.__module__.startswith(PACKAGE)}
    assert {error.__name__ for error in ours if error.__module__ != errors.__name__} == set()
    drawn = errors.__doc__ or ""
    assert {error.__name__ for error in ours if f"{error.__name__} " not in drawn.replace("\n", " ")} == set()


@pytest.mark.parametrize("option", get_provider_info()["config"]["gimme"]["options"])
def test_every_setting_is_in_the_readme(option: str) -> None:
    """Whoever looks for a setting finds it where the settings are listed."""
    assert f"`{option}`" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_to_pages_lead_somewhere(page: str) -> None:
    """A page of the project that another one links to is there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_is_short() -> None:
    """Whoever wants to know what this is reads one page."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
