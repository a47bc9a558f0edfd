"""What every step of a workflow has, whatever its type."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.compensation import Compensation
from airflow_provider_gimme.config.scalars import Flag, Limit, Name, Text

__all__ = ["OnFailure", "RunOn", "Step"]

OnFailure = Literal["fail", "compensate", "abort", "continue"]
RunOn = Literal["success", "failure", "always"]


class Step(Config):
    """One step: one task of the Dag."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"timeout", "timeout_seconds"}),
        frozenset({"on_failure", "continue_on_error"}),
    )

    id: Name | None = None
    """The task's id; with it, ``name`` is only the name shown."""
    name: Text | None = None
    """The step's name and, without ``id``, the task's id."""
    description: Text = ""
    """What the step is for; shown as the task's documentation."""
    enabled: Flag = True
    """``false`` (or a ``${FLAG}`` that says so) leaves the step out of the run, as skipped."""
    depends_on: list[Text] | None = None
    """Steps or groups that must have ended before this step starts."""
    parallel_group: Name | None = None
    """The group this step belongs to; its members run side by side."""
    max_parallel: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many tasks of the group may be at work at once, over all runs."""
    pool: Text | None = None
    """The pool the task takes a slot of."""
    condition: Text | bool | None = None
    """The step runs only if this is true; false skips it, and what follows still runs."""
    run_on: RunOn = "success"
    """``failure``: only once a step before it has failed; ``always``: whatever happened before it."""
    timeout: Limit | None = None
    """The limit of one try of the whole step."""
    timeout_seconds: Annotated[float, Field(ge=0.001, le=315_360_000)] | None = None
    """The same, in seconds."""
    on_failure: OnFailure | None = None
    """``fail`` (the default, also ``compensate``) fails the run, and what was done is undone by its ``compensation``;
    ``abort`` fails it with nothing undone; ``continue`` lets the run go on."""
    continue_on_error: bool | None = None
    """``true`` is ``on_failure: continue``."""
    compensation: Compensation | None = None
    """A call that undoes the step once the run has failed."""
    output_key: Name | None = None
    """A second name of the output: ``outputs.<key>``."""
    sensitive: bool = False
    """Keep the output encrypted, for the run's own steps alone; it is shown nowhere."""
    variables: list[Text] | None = None
    """The names of the variables that the step may use."""

    @property
    def task_id(self) -> str:
        """The id of the step's task."""
        return self.id or self.name or ""

    @property
    def display_name(self) -> str:
        """The name shown to people."""
        return self.name or self.id or ""

    @property
    def bounded(self) -> bool:
        """Whether one try has a limit although none is written: not where nobody knows how long it takes."""
        return True

    @property
    def waits(self) -> bool:
        """Whether its ``timeout`` is that of a wait, not of a worker."""
        return False

    @property
    def own_clock(self) -> bool:
        """Whether the step itself ends a try at its limit, so that Airflow has to do it only where that fails."""
        return True

    @property
    def limit(self) -> timedelta | None:
        """The written limit of one try, if there is one."""
        return timedelta(seconds=self.timeout_seconds) if self.timeout_seconds is not None else self.timeout

    @property
    def tolerated(self) -> bool:
        """Whether the run goes on when this step has failed."""
        return bool(self.continue_on_error) or self.on_failure == "continue"
