"""What is said of an answer once it is read: a good one, one to ask for again, a failure.

A judge is asked before the status is looked at; what it says comes from the rules of ``expect``, compiled elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from airflow_provider_gimme.http.request import Response

__all__ = ["Fault", "Judge", "Ruling", "Verdict", "is_success"]

Verdict: TypeAlias = Literal["good", "bad", "retry", "fail"]
"""``good``: whatever its status. ``bad``: no answer to go on with, and its status decides whether there is another
attempt. ``retry``: the call is made again, within its limits. ``fail``: the call has failed for good."""


@dataclass(frozen=True)
class Fault:
    """One place of a body that does not fit; both texts as they came, so that what is secret can still be found."""

    path: str
    """Where in the body: ``$.items[3].price``."""
    message: str
    """What is wrong there, the value included."""


@dataclass(frozen=True)
class Ruling:
    """What one rule says of an answer."""

    verdict: Verdict
    rule: str
    """The rule's key: ``fail_when``, ``retry_when``, ``success_when``, ``schema``."""
    source: str = ""
    """The condition as it is written."""
    problem: str = ""
    """Why the rule could not be evaluated over this answer; empty where it could."""
    faults: tuple[Fault, ...] = ()
    """Where the body does not fit the schema: the first ones."""
    more: int = 0
    """How many faults there are beside them."""


Judge: TypeAlias = Callable[["Response"], Ruling | None]
"""Says what to do with an answer; None leaves it to its status. It gets every answer that is not a redirect to follow.

Of an answer whose status is not expected and whose body is over the limit, compressed in an unknown way or broken off,
the body is empty: what was read of it is no data. So is one that went into a file."""


def is_success(status: int) -> bool:
    """Say whether a status is one of 200 to 299."""
    return 200 <= status < 300
