"""What an answer tells of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_gimme.errors import ExpressionError, GimmeError

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.http.request import Response

__all__ = ["JobReader", "State"]

State = Literal["done", "failed", "running"]


@dataclass(frozen=True)
class JobReader:
    """The conditions of a poll, over what they may read."""

    done_when: Compiled[bool]
    fail_when: Compiled[bool] | None
    progress: Compiled[Any] | None
    scope: Scope

    def state(self, answer: Response) -> State:
        """Say whether the job is over; ``fail_when`` is asked first, and over what the answer lacks it does not hold.

        :raises ExpressionError: where a condition cannot be evaluated over the answer.
        """
        scope = self._over(answer)
        if self.fail_when is not None and _holds(self.fail_when, scope):
            return "failed"
        return "done" if self.done_when.evaluate(scope) else "running"

    def told(self, answer: Response) -> Any:
        """Return the progress that an answer tells; None where it tells none."""
        if self.progress is None:
            return None
        try:
            return self.progress.evaluate(self._over(answer))
        except GimmeError:
            return None

    def _over(self, answer: Response) -> Scope:
        plain = answer.plain()
        return self.scope.with_extra(response=plain).with_root(plain["body"])


def _holds(condition: Compiled[bool], scope: Scope) -> bool:
    try:
        return condition.evaluate(scope)
    except ExpressionError as error:
        if error.absent:
            return False
        raise
