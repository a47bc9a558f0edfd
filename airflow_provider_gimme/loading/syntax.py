"""What a YAML parser complains about, in words that help.

The parser's own words name its internals ("did not find expected key"); the text of the file is never quoted, as a
broken line may hold a secret.
"""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_gimme.loading.report import Report

__all__ = ["explain"]

_UNCLOSED_QUOTE = "a quoted text is not closed. Add the missing quote."
_RULES: tuple[tuple[str, bool, str], ...] = (
    # pattern of "context | problem", whether the place is where the thing began, what we say
    (r"quoted scalar.*(unexpected end of stream|unexpected document)", True, _UNCLOSED_QUOTE),
    (
        r"unknown escape character",
        False,
        r"a '\' in double quotes is followed by an unknown letter. Write '\\', or use single quotes.",
    ),
    (r"quoted scalar", False, r"an escape in double quotes is not complete. Write '\\', or use single quotes."),
    (r"flow sequence", True, "a list that begins with '[' is not closed or lacks a ','. Add it."),
    (
        r"flow mapping",
        True,
        "a map that begins with '{' is not closed or lacks a ','. Add it. Text with braces needs quotes: \"${NAME}\".",
    ),
    (
        r"mapping values are not allowed",
        False,
        "a ':' where none can be. Put text that holds ': ' in quotes, and check the indentation.",
    ),
    (
        r"block mapping \|",
        False,
        "neither a key nor the end of the map. Check the indentation; put text that holds quotes in quotes.",
    ),
    (r"block collection \|", False, "not an item of the list. Begin each item with '- ' in the same column."),
    (r"simple key", True, "a key without ':'. Write 'key: value', with a space after the ':'."),
    (r"scanning an? (alias|anchor)", True, "a '*' or '&' without a name. Put text that begins with it in quotes."),
    (
        r"(scanning|parsing) a (tag|node)|undefined tag handle",
        True,
        "a tag that cannot be read. Put text that begins with '!' in quotes.",
    ),
    (r"block scalar", True, "only '+', '-' or a digit may follow '|' or '>'. Begin the text in the next line."),
    (r"directive|document", False, "a line that begins with '%' or '---' and is no workflow. Remove it."),
    (
        r"expected (the )?node content",
        False,
        "a value is missing here. Put text that begins with '}', ']', ',' or '%' in quotes.",
    ),
)


def explain(error: Any, text: str, report: Report) -> None:
    """Add the problem of a text that is not YAML; ``error`` is the parser's."""
    mark = error.problem_mark or error.context_mark
    said = f"{error.context or ''} | {error.problem or ''}"
    if "cannot start any token" in said:
        line, column = mark.line + 1, mark.column + 1
        report.add_at(line, column, _bad_start(text, mark.line, mark.column))
        return
    for pattern, at_start, message in _RULES:
        if re.search(pattern, said):
            place = error.context_mark if at_start and error.context_mark is not None else mark
            report.add_at(place.line + 1, place.column + 1, message)
            return
    report.add_at(mark.line + 1, mark.column + 1, "this is not YAML. Check quotes, brackets and indentation.")


def _bad_start(text: str, line: int, column: int) -> str:
    character = text.splitlines()[line][column : column + 1]
    if character == "\t":
        return "a tab in the indentation. YAML is indented with spaces only."
    return f"text cannot begin with '{character}'. Put it in quotes."
