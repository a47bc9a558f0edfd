"""One misbehaviour: what the API does, what the step does about it, and what its user reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.misbehaviours.wire import Does

__all__ = ["RETRIES", "Row"]

RETRIES = 2
"""``retry.limit`` of every step of the suite that does not say otherwise."""


@dataclass(frozen=True)
class Row:
    """One misbehaviour, the same for a single call, a page, a poll and whatever else calls."""

    name: str
    """Also the name of the step that meets it."""
    does: str
    """What the API does, for users."""
    script: Does
    calls: int
    """How many calls the API sees, those that follow a redirect among them."""
    reads: str
    """What the user reads in the step's error or its log; ``…`` is any text."""
    error: str | None = None
    """The type of the step's error; None: the step succeeds."""
    times: int | None = None
    """At how many calls the API misbehaves, before it answers as it should; None: at every call."""
    waits: float = 0
    """The seconds that the API asks to wait before the next call."""
    closes: bool = False
    """Whether the connection is closed after each answer, although it was said to be kept."""
    listens: bool = True
    """Whether anybody listens at the API's address."""
    step: str = ""
    """What the step does, for users, where the other fields do not say it."""
    retry: Mapping[str, Any] = field(default_factory=dict)
    """What stands in the step's ``retry`` beside the suite's own."""
    expect: Mapping[str, Any] = field(default_factory=dict)
    """The step's ``expect``."""
    meets: tuple[str, ...] = ("call", "page", "poll", "item")
    """The kinds of calls that can meet it."""

    @property
    def mended(self) -> bool:
        """Whether the step tries again and succeeds."""
        return self.error is None and self.times is not None

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds :attr:`reads`."""
        return re.compile(".*".join(re.escape(part) for part in self.reads.split("…")), re.DOTALL)

    @property
    def limit(self) -> int:
        """How often the step may try again."""
        return int(self.retry.get("limit", RETRIES))

    @property
    def lasts(self) -> bool:
        """Whether the API misbehaves in a way that is tried again, at every attempt."""
        return self.error is not None and (not self.listens or self.calls == self.limit + 1)

    @property
    def last_calls(self) -> int:
        """How many calls the last attempt makes: more than one where redirects are followed."""
        return self.calls if self.times is None and not self.lasts else 1
