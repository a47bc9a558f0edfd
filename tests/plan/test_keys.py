"""The key that makes a call safe to repeat."""

from __future__ import annotations

from itertools import combinations

from airflow_provider_gimme.plan.keys import idempotency_key

CALL: tuple[str, str, str, int, str | None] = ("dag", "run", "task", 6, None)


def test_the_key_of_one_call_is_always_the_same() -> None:
    """Nothing but the call's place goes into it, so a retry finds it again."""
    assert idempotency_key(*CALL) == idempotency_key(*CALL)
    assert len(idempotency_key(*CALL)) == 40


def test_every_part_of_a_calls_place_makes_another_key() -> None:
    """Another Dag, run, step, clearing or item is another call; neighbours do not run together."""
    places = [CALL, ("dagr", "un", "task", 6, None), ("dag", "run2", "task", 6, None), ("dag", "run", "t", 6, None)]
    places += [("dag", "run", "task", 7, None), ("dag", "run", "task", 6, "0")]
    assert all(idempotency_key(*one) != idempotency_key(*other) for one, other in combinations(places, 2))
