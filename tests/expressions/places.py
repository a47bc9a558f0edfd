"""The scope that the tests of expressions share, and short ways to compile and evaluate."""

from __future__ import annotations

from typing import Any

from airflow_provider_gimme.errors import SecretError
from airflow_provider_gimme.expressions import Compiler, Functions, GroupResult, RunInfo, Scope, StepResult, Window

HOSTILE = 'he said "hi"\n\\ }} {{ 7 * 7 }} ${TOKEN} {$.input.n}'
SECRETS = {"TOKEN": 's3"cr/et', "EMPTY": ""}


def secret(name: str) -> str:
    """Return one of the made-up secrets."""
    if name not in SECRETS:
        raise SecretError(f"'{name}' is not set", name=name)
    return SECRETS[name]


def collect_question_ids(results: Any) -> list[Any]:
    """Stand for a function of a site."""
    return [question for result in results for question in result["question_ids"]]


def broken(value: Any) -> Any:
    """Stand for a function that fails."""
    raise KeyError(value)


FUNCTIONS = Functions(
    {"collect_question_ids": collect_question_ids, "broken": broken}, {"shout": lambda text: f"{text}!"}
)
FETCH = StepResult(
    {"items": "the item", "values": [1, 2], "deep": {"er": [{"id": 5}]}, "question_ids": ["q1", "q2"], "": "nameless"},
    "success",
)
STEPS: dict[str, StepResult | GroupResult] = {
    "fetch": FETCH,
    "algebra": StepResult({"question_ids": ["a1"], "status": "its own"}, "success"),
    "skipped": StepResult(None, "skipped"),
    "tolerated": StepResult(None, "tolerated", error={"status": 503}, failed=[{"index": 1}]),
    "my-step": StepResult({"v": 1}, "success"),
    "group": GroupResult(
        {"fetch": FETCH, "skipped": StepResult(None, "skipped"), "my-step": StepResult({"v": 1}, "success")}
    ),
}
SCOPE = Scope(
    inputs={"n": 4, "text": HOSTILE, "none": None, "yes": True, "list": [3, 1, 2], "obj": {"a": 1, "b": [2]}, "x-y": 9},
    variables={"topic": "algebra", "count": 8, "name": "variable"},
    steps=STEPS,
    outputs={"questions": ["q1"], "my-key": 2},
    run=RunInfo("run-1", "2026-01-31T02:00:00+08:00", Window(None, "2026-01-31T02:00:00+08:00"), scheduled=True),
    provider_id="provider",
    extra={"item": {"id": "i1"}, "index": 0},
    secret=secret,
)
COMPILER = Compiler(FUNCTIONS, frozenset({"topic", "count", "name"}), frozenset({"item", "index", "response"}))


def value(structure: Any, scope: Scope = SCOPE) -> Any:
    """Compile a structure and evaluate it."""
    return COMPILER.value(structure).evaluate(scope)


def text(template: str, scope: Scope = SCOPE) -> str:
    """Compile a text template and evaluate it."""
    return COMPILER.template(template).evaluate(scope)
