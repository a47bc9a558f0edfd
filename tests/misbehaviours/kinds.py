"""What can meet a misbehaviour: a call, a page, a poll, an item. The API answers the calls before it as it should."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.misbehaviours.row import Row
from tests.misbehaviours.wire import Turn, head, ok
from tests.standins.exchange import Received
from tests.standins.raw import Act, Part

__all__ = ["GOOD", "KINDS", "Kind", "Misbehaving"]

GOOD = {"data": [2], "next": None, "state": "done"}
"""The answer as it should be."""


@dataclass(frozen=True)
class Kind:
    """One way in which a step calls."""

    name: str
    step: Callable[[Row], dict[str, Any]]
    """Takes a row and returns the step's keys."""
    output: Any
    """The output of a step all of whose answers are as they should be."""
    before: Mapping[str, Any] | None = None
    """The answer to the call before the one that meets the misbehaviour; None: there is no such call."""
    waits: bool = False
    """Whether the step waits for something else, and asks for it until its time is up, whatever its limit of retries;
    what it hears in the end it asks for once more, since a trigger heard it and the task makes sure."""
    counted: bool = False
    """Whether calls that are tried again, or go well, are counted and not told one by one; and the step's error is of
    a type of its own, and tells that of the first call."""

    @property
    def calls_before(self) -> int:
        """How many calls come before the one that meets the misbehaviour."""
        return 0 if self.before is None else 1

    def calls(self, row: Row) -> int:
        """Return how many calls meet a row; where the step asks until its time is up, at least so many."""
        if not self.waits:
            return row.calls
        return min(row.calls, 2) if row.lasts else row.calls + row.last_calls

    def error(self, row: Row) -> str | None:
        """Return the type of the step's error."""
        if self.counted and row.error:
            return "items"
        return "job_timeout" if self.waits and row.lasts else row.error

    def is_silent(self, row: Row) -> bool:
        """Say whether nothing is told of a call that goes well, in the end or at once."""
        if self.counted:
            return not row.error
        return self.before is not None and not row.error and not row.mended


def _call(row: Row) -> dict[str, Any]:
    return {"endpoint": "/call", **_expected(row)}


def _page(row: Row) -> dict[str, Any]:
    pages = {"kind": "cursor", "items": "$.data", "cursor": "$.next"}
    return {"endpoint": "/pages", "paginate": pages, **_expected(row)}


def _poll(row: Row) -> dict[str, Any]:
    poll = {"endpoint": "/jobs/{{ job.id }}", "every": "10ms", "timeout": "400ms" if row.lasts else "1m"}
    if "status" in row.expect:
        poll["status"] = row.expect["status"]
    job = {"id": "$.id", "poll": poll, "done_when": "$.state == 'done'", "fail_when": "$.state == 'failed'"}
    return {"type": "job", "endpoint": "/jobs", "method": "POST", "job": job}


def _item(row: Row) -> dict[str, Any]:
    return {"endpoint": "/items/{{ item }}", "for_each": ["a"], **_expected(row)}


def _expected(row: Row) -> dict[str, Any]:
    return {"expect": dict(row.expect)} if row.expect else {}


KINDS: tuple[Kind, ...] = (
    Kind("call", _call, GOOD),
    Kind("page", _page, [1, 2], before={"data": [1], "next": "b"}),
    Kind("poll", _poll, GOOD, before={"id": "j1"}, waits=True),
    Kind("item", _item, [GOOD], counted=True),
)


@dataclass
class Misbehaving:
    """An API that misbehaves as a row says, at calls of one kind."""

    row: Row
    kind: Kind
    untrusted: str
    elsewhere: str
    _calls: int = 0

    def script(self, received: Received) -> Iterable[Part]:
        """Answer one call."""
        self._calls += 1
        if self.kind.before is not None and self._calls == 1:
            yield from self._before()
            return
        turn = Turn(json.dumps(GOOD).encode(), received.path, self.untrusted, self.elsewhere)
        nth = self._calls - self.kind.calls_before
        good = self.row.times is not None and nth > self.row.times
        yield from (ok() if good else self.row.script)(turn)
        if self.row.closes:
            yield Act.CLOSE

    def _before(self) -> Iterable[Part]:
        body = json.dumps(self.kind.before).encode()
        if not self.row.listens:
            yield head(200, len(body), Content_Type="application/json", Connection="close") + body
            yield Act.SHUT
        yield head(200, len(body), Content_Type="application/json") + body
        if self.row.closes:
            yield Act.CLOSE
