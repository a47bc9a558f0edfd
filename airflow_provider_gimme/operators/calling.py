"""What the tasks that make one call have in common: a step's call, a notification's delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_gimme.errors import CallError
from airflow_provider_gimme.operators.base import WorkflowTask

if TYPE_CHECKING:
    from airflow_provider_gimme.errors import GimmeError
    from airflow_provider_gimme.http.retry import Decision
    from airflow_provider_gimme.operators.call import Call
    from airflow_provider_gimme.operators.run import TaskRun

__all__ = ["CallingTask"]


class CallingTask(WorkflowTask):
    """Make one call, and show the request as it was sent, without secrets, as the task's one template field.

    A subclass sets ``call`` as soon as it is known what was tried before, and ``request`` before it sends.
    """

    template_fields: Sequence[str] = ("request",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"request": "json"}
    overwrite_rtif_after_execution = True

    # of the class, not set by a constructor: Airflow wraps each one, and a file has many tasks
    request: dict[str, Any] | None = None
    call: Call | None = None
    _decided: tuple[GimmeError, Decision] | None = None

    def decide(self, run: TaskRun, error: GimmeError) -> Decision:
        """Decide by the rules of the call whether it is made again; of one error, once."""
        if self._decided is not None and self._decided[0] is error:
            return self._decided[1]
        if isinstance(error, CallError) and self.call is not None:
            self._decided = (error, self.call.decide(error))
            return self._decided[1]
        return super().decide(run, error)

    def attempts_made(self) -> int:
        """Return how many attempts of the call were made so far."""
        return 0 if self.call is None else self.call.attempts.made
