"""The table of misbehaviours."""

from __future__ import annotations

from tests.misbehaviours.bodies import BODIES
from tests.misbehaviours.connections import CONNECTIONS
from tests.misbehaviours.row import Row
from tests.misbehaviours.rules import RULES
from tests.misbehaviours.statuses import STATUSES

__all__ = ["CHAPTERS", "ROWS"]

CHAPTERS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    ("Connections", CONNECTIONS),
    ("Statuses and headers", STATUSES),
    ("Bodies", BODIES),
    ("Answers that the file does not take", RULES),
)
"""The rows, by what goes wrong."""

ROWS: tuple[Row, ...] = tuple(row for _, rows in CHAPTERS for row in rows)
