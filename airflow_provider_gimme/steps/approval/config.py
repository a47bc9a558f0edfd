"""What an ``approval`` step may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from airflow_provider_gimme.config.scalars import Text
from airflow_provider_gimme.config.waiting import WaitingStep

__all__ = ["APPROVE", "REJECT", "StepConfig"]

APPROVE, REJECT = "Approve", "Reject"


class StepConfig(WaitingStep):
    """Ask a person, on Airflow's page, and wait for the answer without a worker; the answer is the output."""

    type: Literal["approval"]
    message: Text
    """What is asked; a template."""
    details: Text | None = None
    """What one needs to know to decide, in Markdown; a template."""
    options: Annotated[list[Text], Field(min_length=1)] | None = None
    """What can be answered; ``Approve`` and ``Reject`` if nothing is written."""
    rejects: list[Text] | None = None
    """The options that fail the step; ``Reject`` where no ``options`` are written."""
    multiple: bool = False
    """Whether several options may be chosen at once."""
    default: Text | list[Text] | None = None
    """The answer that is taken when ``timeout`` is over; without it the step fails then."""
    form: dict[str, Any] | None = None
    """Fields to fill in: name to JSON Schema, as a property of ``inputs``."""
    assigned_to: list[Text] | None = None
    """The users who may answer, by their id in Airflow; without it all who may act on the Dag."""

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be answered."""
        return tuple(self.options or (APPROVE, REJECT))

    @property
    def refusals(self) -> tuple[str, ...]:
        """The options that fail the step."""
        if self.rejects is not None:
            return tuple(self.rejects)
        return (REJECT,) if self.options is None else ()

    @property
    def defaults(self) -> tuple[str, ...]:
        """The answer after ``timeout``."""
        return (self.default,) if isinstance(self.default, str) else tuple(self.default or ())

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("two options are the same. Remove one.")
        for key, chosen in (("default", self.defaults), ("rejects", self.rejects or ())):
            for option in chosen:
                if option not in self.choices:
                    raise ValueError(f"'{key}' is none of the options (got '{option}'). Write {_or(self.choices)}.")
        if len(self.defaults) > 1 and not self.multiple:
            raise ValueError(
                "'default' has several options, and only one may be chosen. Write one, or 'multiple: true'."
            )
        if self.defaults and self.limit is None:
            raise ValueError("'default' is taken when 'timeout' is over, and there is none. Write 'timeout'.")
        return self


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
