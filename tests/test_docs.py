"""The examples of the documentation, as a reader would copy them."""

from __future__ import annotations

import json
import re
import runpy
from configparser import ConfigParser
from pathlib import Path

import pytest
from airflow.utils.file import might_contain_dag

from airflow_provider_gimme.loading.surroundings import Surroundings
from airflow_provider_gimme.plan import plan_text

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, has: str) -> list[tuple[str, str]]:
    """Return the code blocks of a language in which a text stands, each with a name for the test's report."""
    found = []
    for page in PAGES:
        for number, (indent, kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), start=1):
            if kind == language and has in text:
                found.append((f"{page.name}-{number}", re.sub(f"^{indent}", "", text, flags=re.MULTILINE)))
    return found


def named(pairs: list[tuple[str, str]]) -> list[object]:
    """Make the parameters of a test of blocks."""
    assert pairs
    return [pytest.param(text, id=name) for name, text in pairs]


def shared() -> Surroundings:
    """Return what the pages show of files around workflows: blocks that begin with such a file's name."""
    beside = [text for _, text in blocks("yaml", "# ") if re.match(r"# (schemas/\w+|_defaults)\.yaml\n", text)]
    return Surroundings.of({text[2:].partition("\n")[0]: text for text in beside})


@pytest.mark.parametrize("text", named(blocks("yaml", "endpoint:")))
def test_an_example_workflow_has_no_problem(text: str) -> None:
    """What a reader copies can be planned, without so much as a warning, with the schemas and defaults of the pages."""
    assert plan_text(text, "example.yaml", surroundings=shared()).warnings == ()


@pytest.mark.parametrize("text", named(blocks("python", "load_workflows")))
def test_an_example_of_python_makes_the_dags_beside_it(text: str, tmp_path: Path) -> None:
    """What a reader puts beside workflow files, or beside their folder, makes their Dags."""
    (tmp_path / "workflow_configs").mkdir()
    example = "name: orders\napi_base: http://127.0.0.1:1\nsteps: [{name: a, endpoint: /a}]\n"
    (tmp_path / "workflow_configs" / "orders.yaml").write_text(example)
    (tmp_path / "dags.py").write_text(text)
    assert runpy.run_path(str(tmp_path / "dags.py"))["dag_orders"].dag_id == "orders"
    assert might_contain_dag(str(tmp_path / "dags.py"), safe_mode=True)


@pytest.mark.parametrize("text", named(blocks("ini", "[")))
def test_an_example_of_a_setting_is_one(text: str) -> None:
    """What a reader copies into ``airflow.cfg`` can be read there, and its JSON is JSON."""
    config = ConfigParser(interpolation=None)
    config.read_string(text)
    values = [value for section in config.sections() for value in config[section].values()]
    assert values
    assert all(json.loads(value) for value in values if value.startswith(("[", "{")))
