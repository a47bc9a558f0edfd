"""The errors of the provider, and the problems a workflow file can have.

The tree, with the builtin each error also is, so that a caller can catch what it expects::

    GimmeError
    ├── WorkflowError (ValueError)              a file has problems; carries all of them
    ├── FunctionsError (ImportError)            a site's own functions cannot be used
    ├── ExpressionError (ValueError)            a template or a path cannot be compiled or evaluated
    ├── BundleError (RuntimeError)              a folder of workflows or one of its versions cannot be read
    ├── EventError (ValueError)                 a request is no event that can be read
    │   └── TokenRefusedError (PermissionError) a resume token is none, was used, or comes too late
    ├── SecretError (LookupError)               a ``${NAME}`` is missing or not allowed
    ├── StepError (RuntimeError)                a step fails for a reason of its own
    │   ├── ApprovalError                       nobody answered, or the answer was a refusal
    │   ├── ChildError                          the run of another workflow failed, or could not be started
    │   ├── ItemsError                          more items of a list failed than may
    │   ├── JobError                            a job has failed, or cannot be followed
    │   │   └── JobTimeoutError (TimeoutError)  a job was not over in time
    │   ├── OperatorError                       an operator of Airflow failed
    │   ├── PaginationError (ValueError)        the pages of a listing do not come to an end, or are none
    │   ├── RunTimeoutError (TimeoutError)      the run's time is used up
    │   └── WaitError (TimeoutError)            what a step waits for did not happen in time
    └── CallError                               one HTTP exchange did not give an acceptable answer
        ├── RequestError (ValueError)           the request may not be sent as it is
        ├── ConnectError (ConnectionError)      the exchange broke off
        ├── CallTimeoutError (TimeoutError)     the exchange took too long
        ├── BodyError (ValueError)              the answer's body is too large or cannot be read
        ├── TokenError                          no token could be fetched for the call
        └── AnswerError                         the answer is read, and is not a good one
            ├── StatusError                     its status is not an expected one
            └── OutcomeError                    a rule of ``expect`` refuses it
                └── SchemaError                 its body does not fit ``expect.schema``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from airflow_provider_gimme.problem import Problem

__all__ = [
    "AnswerError",
    "ApprovalError",
    "BodyError",
    "BundleError",
    "CallError",
    "CallTimeoutError",
    "ChildError",
    "ConnectError",
    "EventError",
    "ExpressionError",
    "FunctionsError",
    "GimmeError",
    "ItemsError",
    "JobError",
    "JobTimeoutError",
    "OperatorError",
    "OutcomeError",
    "PaginationError",
    "Problem",
    "RequestError",
    "RunTimeoutError",
    "SchemaError",
    "SecretError",
    "StatusError",
    "StepError",
    "TokenError",
    "TokenRefusedError",
    "WaitError",
    "WorkflowError",
]


class GimmeError(Exception):
    """Be the root of every error this package raises on purpose."""


class WorkflowError(GimmeError, ValueError):
    """Report every problem of one or more files at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FunctionsError(GimmeError, ImportError):
    """Report a file or an entry point whose functions cannot be used; the message names it."""


class ExpressionError(GimmeError, ValueError):
    """Report an expression that cannot be compiled or evaluated; ``absent``: it read something that is not there.

    ``line`` is the line within the expression's own text, from 1, where it is known.
    """

    def __init__(self, message: str, *, line: int | None = None, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent
        self.message = message
        self.line = line


class BundleError(GimmeError, RuntimeError):
    """Report a folder of workflows that cannot be read, or a version of it that cannot be rebuilt."""


class EventError(GimmeError, ValueError):
    """Report a request that is no event; ``status`` is the HTTP status of the answer."""

    status: int = 400

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status or self.status


class TokenRefusedError(EventError, PermissionError):
    """Report a request to resume a run that is not taken."""

    status = 403


class SecretError(GimmeError, LookupError):
    """Report a ``${NAME}`` that is missing or may not be read; ``name`` is the name, never a value."""

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class StepError(GimmeError, RuntimeError):
    """Report a step that fails for a reason of its own, not by an HTTP exchange."""


class ApprovalError(StepError):
    """Report a question that nobody answered in time, or that was answered with a refusal."""


class ChildError(StepError):
    """Report the run of another workflow that failed, could not be started, or was not over in time."""


class OperatorError(StepError):
    """Report that an operator of Airflow failed; ``final`` says that it wants no other try."""

    final: bool = False


class WaitError(StepError, TimeoutError):
    """Report an event that did not happen in time."""


class PaginationError(StepError, ValueError):
    """Report pages that do not come to an end, or an answer that is not a page; another attempt cannot help."""


class ItemsError(StepError):
    """Report a list of which more items failed than the step tolerates; the message tells the first one's reason."""


class JobError(StepError):
    """Report a job that has failed by its own word, or that cannot be followed."""


class JobTimeoutError(JobError, TimeoutError):
    """Report a job that was not over in time; the message names the limit and says what became of the job."""


class RunTimeoutError(StepError, TimeoutError):
    """Report a step that found the run's time used up."""


class CallError(GimmeError):
    """Report one HTTP exchange that did not give an acceptable answer.

    ``method`` and ``url`` are the request's, redacted. ``sent`` is False where it is certain that the server did not
    get the request. ``retryable`` is the engine's word on whether another attempt can help at all. ``elapsed`` is the
    time from the start of the attempt, ``attempt`` counts from 1.
    """

    sent: bool = True
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        method: str = "",
        url: str = "",
        attempt: int = 1,
        sent: bool | None = None,
        elapsed: timedelta = timedelta(0),
    ) -> None:
        super().__init__(message)
        self.method = method
        self.url = url
        self.attempt = attempt
        self.elapsed = elapsed
        if sent is not None:
            self.sent = sent


class RequestError(CallError, ValueError):
    """Report a request that may not be sent as it is: its origin, its headers, its path."""

    sent = False


class ConnectError(CallError, ConnectionError):
    """Report an exchange that broke off; ``sent`` tells whether the server may have got the request."""

    retryable = True


class CallTimeoutError(CallError, TimeoutError):
    """Report an exchange that took too long; the message names the limit that fired."""

    retryable = True


class BodyError(CallError, ValueError):
    """Report an answer whose body is too large or cannot be read as what it says it is."""


class AnswerError(CallError):
    """Report an answer that is read and not a good one.

    ``status`` is the HTTP status, ``headers`` the answer's (redacted, lower-case names), ``excerpt`` the start of
    its body (redacted, at most 500 characters), ``retry_after`` the wait the server asks for, if it does; ``about``
    is what any :class:`CallError` tells.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        headers: Mapping[str, str],
        excerpt: str = "",
        retry_after: timedelta | None = None,
        **about: Any,
    ) -> None:
        super().__init__(message, **about)
        self.status = status
        self.headers = dict(headers)
        self.excerpt = excerpt
        self.retry_after = retry_after


class TokenError(CallError):
    """Report a call that was not processed, since no token could be fetched for it; the message says why.

    ``cause`` is the error of the token's own call, None where that was answered with something else than a token. It
    decides whether another attempt can help.
    """

    sent = False
    cause: CallError | None = None


class StatusError(AnswerError):
    """Report an answer whose status is not an expected one."""

    retryable = True


class OutcomeError(AnswerError):
    """Report an answer that a rule of ``expect`` refuses.

    ``rule`` is the rule's key (``fail_when``, ``retry_when``, ``success_when``, ``schema``). ``retry`` says that the
    rule itself asks for another attempt; where it does not and ``retryable`` is true, the status decides.
    """

    rule: str = ""
    retry: bool = False


class SchemaError(OutcomeError, ValueError):
    """Report an answer whose body does not fit ``expect.schema``; the message names where in the body, and how."""

    rule = "schema"
