"""What ``for_each`` means: which items there are, what tells them apart, how many may fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_gimme.config.for_each import ForEach, for_each_of
from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import RESERVED_NAMES
from airflow_provider_gimme.plan.saved import plan_save_to

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.plan.context import Context

__all__ = ["ItemsPlan", "Tolerance", "item_names", "plan_for_each"]

_NAMES = ("item", "index")


@dataclass(frozen=True)
class Tolerance:
    """How many of a list's items may fail."""

    count: int | None = 0
    percent: float | None = None
    """Set where ``count`` is not."""

    def allows(self, failed: int, total: int | None) -> bool:
        """Say whether so many may fail; where nobody knows yet how many items there are, a percentage allows any."""
        if self.count is not None:
            return failed <= self.count
        return total is None or failed * 100 <= (self.percent or 0.0) * total

    def __str__(self) -> str:
        return str(self.count) if self.count is not None else f"{self.percent:g}%"


@dataclass(frozen=True)
class ItemsPlan:
    """How one call is made for each item of a list."""

    items: Compiled[Any]
    key: Compiled[str] | None
    """What tells the items apart."""
    name: str | None
    """A second name of ``item``."""
    max_parallel: int
    tolerance: Tolerance
    batch_size: int | None
    save_to: Compiled[str] | None
    """The path of the file that the list of outputs goes to."""
    stops_early: bool = True
    """Whether no other item is begun once more have failed than may."""

    def scope(self, scope: Scope, index: int, value: Any) -> Scope:
        """Return what the expressions of an item are evaluated over; with ``batch_size``, ``value`` is a list."""
        names: Mapping[str, Any] = {"item": value, "index": index}
        if self.name is not None:
            names = {**names, self.name: value}
        return scope.with_extra(**names)

    def first(self, scope: Scope) -> Scope:
        """Return what the first call is rendered over, to show it.

        :raises ExpressionError: where there are no items in the scope.
        """
        items = self.items.evaluate(scope)
        if not isinstance(items, list) or not items:
            raise ExpressionError("for_each: there is no first item to show: 'items' is empty, or a saved file")
        return self.scope(scope, 0, items[0] if self.batch_size is None else items[: self.batch_size])


def item_names(written: str | list[Any] | ForEach | None) -> tuple[str, ...]:
    """Return the names that expressions of a step know because it has a ``for_each``."""
    if written is None:
        return ()
    name = for_each_of(written).as_
    return _NAMES if name is None else (*_NAMES, name)


def plan_for_each(written: str | list[Any] | ForEach, save_to: str | None, context: Context) -> ItemsPlan:
    """Compile how a step goes through its items; ``context`` stands at the step."""
    config, place = for_each_of(written), context.at("for_each")
    items = place.at("items") if isinstance(written, ForEach) else place
    _check_name(config.as_, place)
    tolerate = config.tolerate
    return ItemsPlan(
        items=items.compile("value" if isinstance(config.items, list) else "expression", config.items),
        key=None if config.key is None else place.at("key").compile("template", config.key, *item_names(config)),
        name=config.as_,
        max_parallel=config.max_parallel,
        tolerance=Tolerance(tolerate) if isinstance(tolerate, int) else Tolerance(None, float(tolerate.rstrip("% "))),
        batch_size=config.batch_size,
        save_to=plan_save_to(save_to, context.at("save_to")),
    )


def _check_name(name: str | None, place: Context) -> None:
    if name is None:
        return
    if name in RESERVED_NAMES:
        place.at("as").report(f"'{name}' has a meaning of its own in expressions. Write another name.")
    elif name in place.workflow.variables:
        place.at("as").report(f"there is a variable of this name. Write another name than '{name}'.")
