"""The Python that carries a workflow's text says that text and nothing else."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_gimme.bundles.stubs import Stub, problem_stub, workflow_stub
from airflow_provider_gimme.errors import Problem, WorkflowError

HOSTILE = (
    '"""',
    "'''",
    '"""[1:]) or print(1)  # ',
    "'''); import os; os.system('x')\n",
    "\\",
    '\\"""',
    "\r",
    "\r\n",
    "\f",
    "\x00",
    "\x0b",
    "\x1a",
    "\u2028",
    "\u2029",
    "\x85",
    "\ufeff",
    "\ud800",
    "\udfff",
    "\u202e",
    "# coding: utf-7\n",
    "# -*- coding: rot13 -*-\n",
    "+AAo-import os",
    "PK\x05\x06",
    "\t",
    "{}",
    "%s",
    "é",
    "日本",
    "𝄞",
    "\n",
    '"',
    "'",
    "name: a\n",
)
texts = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=12).map("".join) | st.text(
    st.characters(codec=None), max_size=60
)
stubs = st.builds(
    Stub,
    file=texts,
    environment=st.none() | texts,
    fingerprint=st.none() | texts,
    pools=st.dictionaries(texts, st.integers(), max_size=2),
    note=st.none() | texts,
    scheduled=st.booleans(),
)


def read(source: bytes) -> tuple[str, dict[str, object]]:
    """Return what a stub gives to the builder, by Python's own reading; anything but that one call is an error."""
    module = ast.parse(source)
    imported, assigned = module.body
    assert ast.unparse(imported) == "from airflow_provider_gimme.build import build_workflow"
    assert isinstance(assigned, ast.Assign)
    assert ast.unparse(assigned.targets[0]) == "dag"
    call = assigned.value
    assert isinstance(call, ast.Call)
    assert ast.unparse(call.func) == "build_workflow"
    assert call.args == []
    given_ = {keyword.arg: keyword.value for keyword in call.keywords}
    text = given_.pop("text")
    assert isinstance(text, ast.Subscript)
    assert ast.unparse(text.slice) == "1:"
    assert isinstance(text.value, ast.Constant)
    assert isinstance(text.value.value, str)
    return text.value.value[1:], {str(name): ast.literal_eval(value) for name, value in given_.items()}


@given(text=texts, stub=stubs)
@example(text='#"""[1:])\nimport os\n#', stub=Stub(file="a.yaml"))
@example(text="# coding: utf-7\n+AAo-import os", stub=Stub(file="\n# coding: utf-7"))
def test_a_stub_is_one_call_with_exactly_the_text_and_arguments(text: str, stub: Stub) -> None:
    """Whatever a text holds, Python reads a stub as one call of the builder with that text and those arguments."""
    found, arguments = read(workflow_stub(text, stub))
    assert found == text
    assert arguments == {
        "file": stub.file,
        "environment": stub.environment,
        "fingerprint": stub.fingerprint,
        "pools": stub.pools,
        "note": stub.note,
        "scheduled": stub.scheduled,
    }


@given(text=texts)
def test_a_stub_can_be_kept_by_every_database_and_is_no_archive(text: str) -> None:
    """A stub is UTF-8 whose characters all show, so no database refuses it and nothing takes it for an archive."""
    shown = workflow_stub(text, Stub(file="a.yaml")).decode()
    assert all(line.isprintable() for line in shown.replace("\t", " ").split("\n"))


@given(text=texts)
def test_a_stub_runs_with_its_text(text: str) -> None:
    """Python runs a stub and the builder is given the text as it was written, line ends included."""
    _, call = ast.parse(workflow_stub(text, Stub(file="a.yaml"))).body
    given_: dict[str, object] = {}
    code = compile(ast.Module([call], []), "stub", "exec")
    exec(code, {"build_workflow": lambda **arguments: given_.update(arguments)})  # noqa: S102
    assert given_["text"] == text


@pytest.mark.parametrize("quotes", ["", 'say: """\n', "say: '''\n"])
def test_a_usual_text_is_shown_as_it_was_written(quotes: str) -> None:
    """In Airflow's Code tab a workflow reads as its file, below two lines, although it holds quotes or backslashes."""
    text = f"name: orders\n{quotes}path: C:\\new # ünïcode\nsteps:\n  - name: a\n"
    lines = workflow_stub(text, Stub(file="a.yaml")).decode().splitlines()
    assert lines[2:-1] == text.splitlines()
    assert len(lines) == len(text.splitlines()) + 3


def test_a_text_with_windows_line_ends_is_shown_line_by_line() -> None:
    """A text that cannot be shown as it is has a line for each of its lines."""
    lines = workflow_stub("name: orders\r\nsteps: []\r\n", Stub(file="a.yaml")).decode().splitlines()
    assert lines[3:5] == ["    'name: orders\\r\\n'", "    'steps: []\\r\\n'"]


def test_airflow_takes_a_stub_for_a_dag_file() -> None:
    """Airflow looks for two words before it reads a Python file; both kinds of stubs have them."""
    for source in (workflow_stub("", Stub(file="a")), problem_stub([])):
        assert b"airflow" in source.lower()
        assert b"dag" in source.lower()


@given(st.lists(st.builds(Problem, texts, st.integers(1), st.integers(1), texts, texts), max_size=3))
def test_a_problem_stub_raises_its_problems(problems: list[Problem]) -> None:
    """A file's problems are raised as they were found, whatever their texts hold, and nothing else happens."""
    module = ast.parse(problem_stub(problems))
    assert [type(statement) for statement in module.body] == [ast.ImportFrom, ast.Assign, ast.Raise]
    with pytest.raises(WorkflowError) as caught:
        exec(compile(module, "stub", "exec"), {})  # noqa: S102
    assert caught.value.problems == tuple(sorted(problems))
