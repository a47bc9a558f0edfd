"""Files of ``providers/``: which events start which workflows, with what input."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError, WorkflowError
from airflow_provider_gimme.plan.events import Bound, Event, event_tag, run_id_of
from airflow_provider_gimme.plan.provider import plan_provider

HERE = Path(__file__).parent / "providers"
NAMES = frozenset({"made"})


@pytest.mark.parametrize("path", sorted(HERE.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_wrong_file_gives_exactly_these_messages(path: Path) -> None:
    """Every problem of a wrong file is told at once, with its place and a way out."""
    with pytest.raises(WorkflowError) as caught:
        plan_provider(path.read_bytes(), path.name)
    golden = path.with_suffix(".txt")
    if os.environ.get("GOLDEN") == "update":
        golden.write_text(f"{caught.value}\n")
    assert f"{caught.value}\n" == golden.read_text()


SEED_TEXT = """
# providers/book-writer.yaml
provider:
  id: book-writer
  name: Book Writing Assistant
  type: hybrid  # namespace + processor

workflows:
  - workflow_id: book_chapter_processing
    triggers:
      - event: onCreate
        conditions:
          - field: metadata.type
            operator: eq
            value: chapter
      - event: onUpdate
        conditions:
          - field: metadata.status
            operator: eq
            value: draft
    priority: 10

  - workflow_id: book_outline_generation
    triggers:
      - event: onCreate
        conditions:
          - field: metadata.type
            operator: eq
            value: outline_request
    priority: 5
"""


def event(data: Any, event_type: str = "onCreate", **more: Any) -> Event:
    return Event("1", "/studio", event_type, data, more)


@pytest.mark.parametrize(
    "data,event_type,started",
    [
        ({"metadata": {"type": "chapter"}}, "onCreate", ["book_chapter_processing"]),
        ({"metadata": {"type": "outline_request"}}, "onCreate", ["book_outline_generation"]),
        ({"metadata": {"type": "chapter"}}, "onUpdate", []),
        ({"metadata": {"type": "chapter", "status": "draft"}}, "onUpdate", ["book_chapter_processing"]),
        ({"metadata": "chapter"}, "onCreate", []),
        (None, "onCreate", []),
    ],
)
def test_the_conditions_of_a_provider_decide(data: Any, event_type: str, started: list[str]) -> None:
    """The described provider's file loads unchanged, and its conditions pick the workflows; bindings travel as text."""
    bindings = [Bound.from_text(each.to_text()) for each in plan_provider(SEED_TEXT, "p.yaml").bindings]
    assert [(each.provider, each.config.priority) for each in bindings] == [("book-writer", 10), ("book-writer", 5)]
    sent = event(data, event_type)
    assert [each.workflow_id for each in bindings if each.fits(sent, sent.names({}))] == started
    assert bindings[0].conf(sent) == (data or {})


def bound(condition: str, more: str = "") -> Bound:
    text = (
        f"provider: {{id: p}}\nworkflows:\n  - workflow_id: w\n    triggers: [{{event: made, when: [{condition}]}}]\n"
    )
    return plan_provider(text + more, "p.yaml").bindings[0]


@pytest.mark.parametrize(
    "condition,data,holds",
    [
        ("{field: n, value: 1}", {"n": 1.0}, True),
        ("{field: n, value: 1}", {"n": True}, False),
        ("{field: n, value: null}", {"n": None}, True),
        ("{field: n, value: null}", {}, False),
        ("{field: n, operator: ne, value: 1}", {"n": 2}, True),
        ("{field: n, operator: ne, value: 1}", {}, True),
        ("{field: n, operator: in, value: [a, 2]}", {"n": 2}, True),
        ("{field: n, operator: in, value: [a, 2]}", {"n": "2"}, False),
        ("{field: n, operator: exists}", {"n": None}, True),
        ("{field: n, operator: exists, value: false}", {}, True),
        ("{field: n, operator: exists, value: false}", {"n": 0}, False),
        ("{field: n, operator: gt, value: 3}", {"n": 4}, True),
        ("{field: n, operator: gt, value: 3}", {"n": "4"}, False),
        ("{field: n, operator: lt, value: '2026-02'}", {"n": "2026-01-31"}, True),
        ("{field: n, operator: matches, value: '^ch.*er$'}", {"n": "chapter"}, True),
        ("{field: n, operator: matches, value: '^ch'}", {"n": 7}, False),
        ("{field: list.1.id, value: b}", {"list": [{"id": "a"}, {"id": "b"}]}, True),
        ("{field: $.subject, value: s}", {}, True),
        ("{field: n, value: 1}, {field: m, value: 2}", {"n": 1, "m": 3}, False),
    ],
)
def test_each_operator_means_what_it_says(condition: str, data: Any, *, holds: bool) -> None:
    """Values are compared as JSON; of a member that is not there only `ne` and `exists: false` hold; all must hold."""
    assert bound(condition).fits(event(data, subject="s"), NAMES) is holds


def test_a_pattern_that_takes_too_long_is_an_error() -> None:
    """Nobody can hold up the server with an event that a careless pattern chews on."""
    careless = bound("{field: n, operator: matches, value: '^(a|aa)+$'}")
    with pytest.raises(ExpressionError, match="takes too long"):
        careless.fits(event({"n": "a" * 60 + "!"}), NAMES)


def test_the_input_of_a_run_is_made_of_the_event() -> None:
    """Paths keep their types, text takes them in, constants stay; without `input` only data that is a map will do."""
    made = bound("{field: n, value: 1}", "    input: {n: $.data.n, s: 'by {$.source}', id: $.id, no: $.data.x, c: 5}\n")
    assert made.conf(event({"n": 1})) == {"n": 1, "s": "by /studio", "id": "1", "no": None, "c": 5}
    with pytest.raises(ExpressionError, match="Write 'input' in the binding"):
        bound("{field: n, value: 1}").conf(event([1]))


def test_names_stand_for_the_types_of_events() -> None:
    """A binding's event is a type itself, or a name for types, in which `*` is one part and `>` is all that follow."""
    subjects = {"onCreate": ("blob.created", "blob.*.created"), "any": ("blob.>",)}
    assert event(1, "blob.created").names(subjects) == {"blob.created", "onCreate", "any"}
    assert event(1, "blob.x.created").names(subjects) == {"blob.x.created", "onCreate", "any"}
    assert event(1, "blobs.created").names(subjects) == {"blobs.created"}


def test_one_event_has_one_run_id_a_provider() -> None:
    """The run's id depends on source, id and provider alone, and Airflow takes it whatever they are called."""
    first = run_id_of(event(1), "book:my novel")
    assert re.fullmatch(r"event__book_my_novel__[0-9a-f]{24}", first)
    assert run_id_of(event(2, "other"), "book:my novel") == first
    others = {run_id_of(Event("2", "/studio", "made"), "book:my novel"), run_id_of(event(1), "book_my_novel")}
    assert first not in others
    assert len(others) == 2
    assert len(event_tag("x" * 200)) == 100


def test_an_unknown_workflow_is_a_problem_of_its_binding() -> None:
    """It is told at its line; the bindings of the same file to workflows that are there count."""
    found = plan_provider(SEED_TEXT, "providers/p.yaml").unknown(["book_chapter_procesing", "book_outline_generation"])
    (problem,) = found
    assert (problem.file, problem.line, problem.path) == ("providers/p.yaml", 9, "workflows[0].workflow_id")
    assert "Did you mean 'book_chapter_procesing'?" in problem.message
