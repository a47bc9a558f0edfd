"""What steps have in common that wait without a worker."""

from __future__ import annotations

from airflow_provider_gimme.config.step import Step

__all__ = ["WaitingStep"]


class WaitingStep(Step):
    """A step that waits for what has its own time: a person, a moment, another workflow."""

    @property
    def bounded(self) -> bool:
        """Nobody here knows how long it takes."""
        return False

    @property
    def waits(self) -> bool:
        """Its ``timeout`` is how long it waits, no limit of a worker."""
        return True
