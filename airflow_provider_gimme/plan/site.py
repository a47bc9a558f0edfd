"""What a site has and allows beyond the files of its workflows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["NOWHERE", "Site"]


@dataclass(frozen=True)
class Site:
    """The settings of ``[gimme]`` that a workflow is checked against."""

    pools: frozenset[str] = frozenset()
    """The pools that exist without a file naming their slots: ``site_pools``."""
    operators: tuple[str, ...] | None = None
    """The operators that a step may run, ``*`` for parts: ``allowed_operators``; None where nobody knows them."""

    @classmethod
    def read(cls, option: Callable[[str], str | None]) -> Site:
        """Return the site of its settings: ``option`` gives the text of one, None where it is not set."""
        operators = option("allowed_operators")
        return cls(frozenset(_names(option("site_pools"))), None if operators is None else tuple(_names(operators)))

    def refusal(self, operator: str) -> str | None:
        """Say why a step may not run an operator; None where it may, or where nobody knows."""
        if self.operators is None or any(fnmatchcase(operator, pattern) for pattern in self.operators):
            return None
        listed = ", ".join(self.operators) or "none"
        return f"'{operator}' is not one of [gimme] allowed_operators ({listed}). The platform adds it there."


NOWHERE = Site()
"""The site of which nobody knows anything."""


def _names(written: str | None) -> list[str]:
    return [name.strip() for name in (written or "").split(",") if name.strip()]
