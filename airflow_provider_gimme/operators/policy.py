"""What happens after a failure: Airflow asks, we have already decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_gimme.http.retry import Decision

__all__ = ["CRASH_RETRIES", "StepRetryPolicy"]

CRASH_RETRIES = 3
"""How many crashes of its own processes Airflow may meet in one task, beyond the retries of the call."""


class StepRetryPolicy(RetryPolicy):
    """Answer with the decision that the task itself made about its error.

    An exception that no decision was made about is not an answer of the API but a fault of the machinery (the process
    was told to stop, Airflow's own API was not there): the task is tried again like after a crash.
    """

    def __init__(self, *, on_crash: bool = True) -> None:
        """Make a policy; with ``on_crash=False`` a fault of the machinery is final."""
        self.on_crash = on_crash
        self._decided: tuple[BaseException, Decision] | None = None

    def remember(self, error: BaseException, decision: Decision) -> None:
        """Keep the decision about an error until Airflow asks."""
        self._decided = (error, decision)

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002 - Airflow's signature
        max_tries: int,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Return the decision about the exception as Airflow wants it."""
        if self._decided is None or self._decided[0] is not exception:
            if self.on_crash:
                return RetryDecision.retry(reason="the task did not come to its end")
            return RetryDecision.fail(reason="the task did not come to its end, and 'on_crash' is false")
        decision = self._decided[1]
        if decision.retry:
            return RetryDecision.retry(delay=decision.wait, reason=decision.reason)
        return RetryDecision.fail(reason=decision.reason)
