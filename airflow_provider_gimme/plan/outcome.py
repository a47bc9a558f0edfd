"""The rules of ``expect``: which answers are good, compiled, and asked of one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.errors import BodyError, ExpressionError
from airflow_provider_gimme.http.outcome import Fault, Ruling
from airflow_provider_gimme.plan.json_schema import validator_of

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from airflow_provider_gimme.config.call import Call
    from airflow_provider_gimme.expressions import Compiled, Scope
    from airflow_provider_gimme.http.outcome import Judge
    from airflow_provider_gimme.http.request import Response
    from airflow_provider_gimme.plan.context import Context

__all__ = ["OutcomePlan", "plan_outcome", "statuses_of"]

_SHOWN = 5
_COUNTED = 100
"""Faults of one body beyond which nobody counts."""

_MEMBERS = ("status", "headers", "body")
"""What a rule sees of an answer."""


@dataclass(frozen=True)
class OutcomePlan:
    """What makes an answer good or bad."""

    statuses: frozenset[int]
    """The statuses of a good answer."""
    fail_when: Compiled[bool] | None = None
    """True: the call has failed for good."""
    retry_when: Compiled[bool] | None = None
    """True: the call is made again, within its limits."""
    success_when: Compiled[bool] | None = None
    """True: a good answer, whatever its status; false: not one."""
    schema: Mapping[str, Any] | None = None
    """The JSON Schema of a good answer's body."""

    def judge(self, scope: Scope) -> Judge | None:
        """Return what rules over an answer before its status does; None where there is nothing but the status."""
        if self.schema is None and not any((self.fail_when, self.retry_when, self.success_when)):
            return None
        return lambda answer: self._rule(answer, scope)

    def _rule(self, answer: Response, scope: Scope) -> Ruling | None:
        """Ask ``fail_when``, ``retry_when``, ``success_when``, in this order; then the status, then the schema."""
        if any((self.fail_when, self.retry_when, self.success_when)):
            scope = scope.with_extra(response=_seen(answer))
        good = answer.status in self.statuses
        refused = _refusal("fail_when", "fail", self.fail_when, scope, good=good)
        refused = refused or _refusal("retry_when", "retry", self.retry_when, scope, good=good)
        if refused is not None:
            return refused
        ruling = None if self.success_when is None else _success(self.success_when, scope)
        if ruling is not None and ruling.verdict == "bad":
            return ruling
        return self._misfit(answer) or ruling if good or ruling is not None else None

    def _misfit(self, answer: Response) -> Ruling | None:
        """Return where the body does not fit the schema."""
        if self.schema is None:
            return None
        try:
            body = answer.data()
        except BodyError as error:
            reason = str(error).removeprefix(f"{answer.shown}: ")
            return Ruling("fail", "schema", faults=(Fault("$", reason),))
        found = list(islice(self._faults(body), _COUNTED))
        if not found:
            return None
        return Ruling("fail", "schema", faults=tuple(found[:_SHOWN]), more=max(0, len(found) - _SHOWN))

    def _faults(self, body: Any) -> Iterator[Fault]:
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        try:
            for error in self._validator.iter_errors(body):
                nearest = best_match([error]) or error
                yield Fault(nearest.json_path, _said(nearest))
        except Unresolvable as error:
            yield Fault("$", f"the schema refers to {error.ref!r}, which is not in it")

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return validator_of(self.schema or {})


def _refusal(
    rule: str, verdict: Literal["fail", "retry"], condition: Compiled[bool] | None, scope: Scope, *, good: bool
) -> Ruling | None:
    """Ask a rule that can only refuse.

    Over something that the answer does not have it does not hold; of an answer that is refused by its status anyway, it
    is not told that a rule cannot be evaluated.
    """
    if condition is None:
        return None
    try:
        return Ruling(verdict, rule, condition.source) if condition.evaluate(scope) else None
    except ExpressionError as error:
        return None if error.absent or not good else Ruling("bad", rule, condition.source, _reason(error, condition))


def _success(condition: Compiled[bool], scope: Scope) -> Ruling:
    """Ask ``success_when``: where it cannot be evaluated it is not true."""
    try:
        return Ruling("good" if condition.evaluate(scope) else "bad", "success_when", condition.source)
    except ExpressionError as error:
        return Ruling("bad", "success_when", condition.source, _reason(error, condition))


def _reason(error: ExpressionError, condition: Compiled[bool]) -> str:
    return error.message.removeprefix(f"{condition.place}: ")


def _seen(answer: Response) -> dict[str, Any]:
    """Return an answer as rules see it: a body that is not what it says is text, one that is no text is null."""
    for read in (answer.data, answer.text):
        try:
            return {"status": answer.status, "headers": answer.headers, "body": read()}
        except BodyError:
            continue
    return {"status": answer.status, "headers": answer.headers, "body": None}


def _said(error: ValidationError) -> str:
    """Return what a validator says, with the value as JSON."""
    value = repr(error.instance)
    if not error.message.startswith(value):
        return error.message
    return json.dumps(error.instance, ensure_ascii=False, default=str) + error.message[len(value) :]


def plan_outcome(config: Call, context: Context) -> OutcomePlan:
    """Compile the rules of a call; ``context`` stands where its keys stand."""
    expect, place = config.expect, context.at("expect")
    if expect.schema_ is not None and config.save_to is not None:
        place.at("schema").report("a body that is saved is not read, so it is not checked. Remove one of the two.")
    return OutcomePlan(
        statuses=statuses_of(expect.status),
        fail_when=_rule(place.at("fail_when"), expect.fail_when),
        retry_when=_rule(place.at("retry_when"), expect.retry_when),
        success_when=_rule(place.at("success_when"), expect.success_when),
        schema=expect.schema_,
    )


def _rule(place: Context, written: str | None) -> Compiled[bool] | None:
    if written is None:
        return None
    there = place.separate()
    compiled = there.compile("condition", written, "response")
    for _, reference in there.references:
        if reference.kind == "name" and reference.name == "response" and reference.member not in {None, *_MEMBERS}:
            near = did_you_mean(reference.member or "", _MEMBERS)
            there.report(f"an answer has no '{reference.member}'.{near} There are {', '.join(_MEMBERS)}.")
    place.references.extend(there.references)
    return compiled


def statuses_of(written: int | str | list[int | str]) -> frozenset[int]:
    """Return all statuses that a status, a class like ``2xx`` or a list of them stands for."""
    return _statuses(tuple(written) if isinstance(written, list) else (written,))


@lru_cache(maxsize=256)
def _statuses(written: tuple[int | str, ...]) -> frozenset[int]:
    return frozenset(status for one in written for status in _range(one))


def _range(status: int | str) -> range:
    if isinstance(status, int):
        return range(status, status + 1)
    first = int(status[0]) * 100
    return range(first, first + 100)
