"""A site's own functions: from files and entry points."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_provider_gimme.errors import FunctionsError
from airflow_provider_gimme.expressions import Compiler, Functions, Scope, load_functions

GOOD = """
from math import sqrt
import json

def double(n):
    return 2 * n

def shout(text):
    return text.upper()

FILTERS = (shout,)

def _private():
    return 1
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_public_functions_of_a_file_are_functions(tmp_path: Path) -> None:
    """What a file imports or begins with an underscore is not offered; its FILTERS are filters."""
    write(tmp_path, "other.py", "raise RuntimeError")
    functions = load_functions([write(tmp_path, "gimme_site.py", GOOD), tmp_path / "missing"], entry_points=False)
    assert set(functions.functions) == {"double"}
    assert set(functions.filters) == {"shout"}
    assert Compiler(functions).value("{{ double(4) }}{{ 'a' | shout }}").evaluate(Scope()) == "8A"


@pytest.mark.parametrize("filters", ['("f",)', '{"f": f}', '["f"]', "{f}"])
def test_filters_are_listed_by_name_or_as_functions(tmp_path: Path, filters: str) -> None:
    """A tuple, a list, a set or a dict will do."""
    folder = write(tmp_path, "gimme_a.py", f"def f(x):\n    return x + 1\nFILTERS = {filters}\n")
    functions = load_functions([folder], entry_points=False)
    assert Compiler(functions).value("{{ 1 | f }}").evaluate(Scope()) == 2
    assert dict(functions.functions) == {}


@pytest.mark.parametrize(
    "text,message",
    [
        ("def f(:\n", "cannot be imported: SyntaxError"),
        (
            "import nothing_like_this\n",
            "cannot be imported: ModuleNotFoundError: No module named 'nothing_like_this' (line 1)",
        ),
        ("\n1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero (line 2)"),
        ("def steps():\n    pass\n", "'steps' is a name of the language. Give the function another one."),
        ("FILTERS = 'f'\n", "FILTERS is a tuple of functions, or a dict of name to function"),
        ("FILTERS = ('f',)\n", "FILTERS lists 'f', which is not a named function of this module"),
        ("FILTERS = (5,)\n", "which is not a named function of this module"),
        ("FILTERS = {'a b': len}\n", "FILTERS lists 'a b'"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The error says which file, what and, where it can, the line."""
    folder = write(tmp_path, "gimme_broken.py", text)
    with pytest.raises(FunctionsError) as caught:
        load_functions([folder], entry_points=False)
    assert str(caught.value).startswith(str(folder / "gimme_broken.py"))
    assert message in str(caught.value)


def test_a_function_is_defined_once(tmp_path: Path) -> None:
    """Two files that define one name are told by name; one folder given twice is read once."""
    one = write(tmp_path / "one", "gimme_a.py", "def f():\n    return 1\n")
    two = write(tmp_path / "two", "gimme_a.py", "def f():\n    return 2\n")
    with pytest.raises(FunctionsError, match=r"the function 'f' is already defined in .*one.gimme_a\.py"):
        load_functions([one, two], entry_points=False)
    assert set(load_functions([one, one], entry_points=False).functions) == {"f"}


def install(folder: Path, value: str) -> None:
    info = folder / "site_pkg-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: site-pkg\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[gimme.functions]\nsite = {value}\n")
    (folder / "gimme_test_site_module.py").write_text("def triple(n):\n    return 3 * n\n")


def test_entry_points_bring_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package offers the functions of the module it names."""
    install(tmp_path, "gimme_test_site_module")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gimme_test_site_module", raising=False)
    assert load_functions([]).functions["triple"](2) == 6
    assert "triple" not in load_functions([], entry_points=False).functions


@pytest.mark.parametrize(
    "value,message", [("no_such_module_here", "cannot be imported"), ("os:getcwd", "is not a module")]
)
def test_a_broken_entry_point_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    """The error says which entry point of which group."""
    install(tmp_path, value)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(FunctionsError, match=r"entry point 'site' of 'gimme\.functions'") as caught:
        load_functions([])
    assert message in str(caught.value)


def test_without_functions_there_are_none() -> None:
    """The empty set of functions is one object."""
    assert Functions.none() is Functions.none()
    assert dict(Functions.none().functions) == {}


@pytest.mark.parametrize("fault", ["import nothing_of_that_name", "def half("])
def test_the_rest_is_usable_where_a_file_is_broken(tmp_path: Path, fault: str) -> None:
    """Told to collect what is broken, loading goes on; what a broken file defines tells its fault when it is called."""
    folder = write(tmp_path, "gimme_site.py", GOOD)
    (folder / "gimme_late.py").write_text(
        f"def late(x):\n    return x\n\ndef _own():\n    pass\n\nFILTERS = (late,)\n{fault}\n"
    )
    broken: list[FunctionsError] = []
    functions = load_functions([folder], entry_points=False, broken=broken)
    sound = load_functions([write(tmp_path / "sound", "gimme_site.py", GOOD)], entry_points=False)
    assert set(functions.functions) - {"half"} == {*sound.functions, "late"}
    assert set(functions.filters) == {*sound.filters, "late"}
    assert len(broken) == 1
    for text in ("{{ late(1) }}", "{{ 1 | late }}"):
        with pytest.raises(FunctionsError, match=r"gimme_late\.py: cannot be imported"):
            Compiler(functions).value(text).evaluate(Scope())
