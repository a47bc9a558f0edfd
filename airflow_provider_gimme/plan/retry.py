"""From the ``retry`` of a step to the rules of its calls."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from airflow_provider_gimme.config.call import Call
from airflow_provider_gimme.config.retry import Retry
from airflow_provider_gimme.http.retry import RETRIED_BY_DEFAULT, RetryRules

if TYPE_CHECKING:
    from airflow_provider_gimme.config.call import Idempotency
    from airflow_provider_gimme.config.step import Step

__all__ = ["NEVER", "plan_retry", "promises_idempotency", "step_retry"]

NEVER = RetryRules(limit=0)
"""The rules of a step that makes no call."""

_UNSAFE = frozenset({"POST", "PATCH"})


def promises_idempotency(idempotency: Idempotency | Literal["supported", False] | None) -> bool:
    """Say whether the file promises that the server processes a key once."""
    return idempotency == "supported" or bool(getattr(idempotency, "supported", False))


def plan_retry(step: Call) -> RetryRules:
    """Return when and how a call of the step is tried again.

    A POST or PATCH without a written ``retry`` is only tried again where it is known not to have been processed.
    """
    unsafe = step.retry is None and step.verb in _UNSAFE and not promises_idempotency(step.idempotency)
    return _default_rules(safe_only=unsafe) if step.retry is None else _rules(step.retry, safe_only=unsafe)


def step_retry(step: Call | Step) -> RetryRules:
    """Return when and how the work of a step is tried again: a call's by :func:`plan_retry`, any other's as written."""
    if isinstance(step, Call):
        return plan_retry(step)
    retry: Retry | None = getattr(step, "retry", None)
    return NEVER if retry is None else _rules(retry, safe_only=False)


@cache
def _default_rules(*, safe_only: bool) -> RetryRules:
    return _rules(Retry(), safe_only=safe_only)


def _rules(retry: Retry, *, safe_only: bool) -> RetryRules:
    return RetryRules(
        limit=retry.retries,
        delay=retry.first_delay,
        backoff=retry.growth,
        max_delay=retry.max_delay,
        max_wait=retry.max_wait,
        max_duration=retry.max_duration,
        on=frozenset(retry.on) if retry.on is not None else RETRIED_BY_DEFAULT,
        safe_only=safe_only,
    )
