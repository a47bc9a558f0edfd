"""Functions for Derivativ's workflows: every public function of this file can be called in a workflow's expressions.

They read what the question steps gave: ``collect_question_ids(steps.question_generation)``. In a group, topics that
failed or were skipped are already left out; a single step that gave nothing is null, and counts as no questions too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def collect_question_ids(group: Any) -> list[str]:
    """Return the ids of all questions, in the order of the topics, each once."""
    return list(dict.fromkeys(str(_member(question, "question_id")) for question in _questions(group)))


def mean_quality_score(group: Any) -> float:
    """Return the mean quality score of all questions, 0 to 1, rounded to four digits; 0 without any question."""
    scores = [float(_member(question, "quality_score")) for question in _questions(group)]
    return round(sum(scores) / len(scores), 4) if scores else 0.0


def missing_topics(group: Any, topics: Iterable[str]) -> list[str]:
    """Return those of the topics that have no question at all."""
    found = {_member(question, "topic") for question in _questions(group)}
    return [topic for topic in topics if topic not in found]


def _questions(group: Any) -> Iterator[Mapping[str, Any]]:
    for answer in _answers(group):
        yield from _member(answer, "questions")


def _answers(group: Any) -> list[Any]:
    """Return the API's answers in a group, a map of them, or a single one, without those that are null."""
    if group is None:
        return []
    if isinstance(group, Mapping):
        group = [group] if "questions" in group else group.values()
    return [answer for answer in group if answer is not None]


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping) or name not in value:
        there = ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
        raise ValueError(f"an answer of the question API has no '{name}' where it should be (there is: {there})")
    return value[name]
