"""The scope: groups, runs, and what is imported for what."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

import airflow_provider_gimme.expressions as package
from airflow_provider_gimme.expressions import Compiler, GroupResult, RunInfo, Scope, StepResult, Window

OK = StepResult({"id": 1}, "success")


@pytest.mark.parametrize(
    "statuses,expected",
    [
        (["success", "success"], "success"),
        (["success", "skipped"], "success"),
        (["skipped", "skipped"], "skipped"),
        (["success", "tolerated"], "tolerated"),
        (["tolerated", "failed"], "failed"),
        (["upstream_failed", "tolerated"], "upstream_failed"),
        (["success", None], None),
    ],
)
def test_the_status_of_a_group_is_the_worst_of_its_members(statuses: list[str | None], expected: str | None) -> None:
    """Skipped only if all are, none while one has not ended."""
    members = {f"m{number}": StepResult(None, status) for number, status in enumerate(statuses)}  # type: ignore[arg-type]
    assert GroupResult(members).status == expected


def test_a_group_leaves_out_what_did_not_succeed() -> None:
    """Outputs stand in listed order; errors and failures go by name."""
    group = GroupResult(
        {"b": OK, "a": StepResult(None, "failed", error={"status": 500}), "c": StepResult(None, "tolerated"), "d": OK}
    )
    assert list(group) == [{"id": 1}, {"id": 1}]
    assert len(group) == 2
    assert group[0:1] == [{"id": 1}]
    assert group.output == [{"id": 1}, {"id": 1}]
    assert group.error == {"a": {"status": 500}}
    assert group.failed == ["a", "c"]
    assert GroupResult({"b": OK}).error is None


def test_a_run_is_told_with_iso_times() -> None:
    """Times given as objects become text where they leave, and can be moved and compared before."""
    at = datetime(2026, 1, 31, 18, tzinfo=UTC)
    scope = Scope(run=RunInfo("r", at, Window(at, at), scheduled=True, attempt=2))
    compiler = Compiler()
    assert compiler.value("{{ run }}").evaluate(scope) == {
        "id": "r",
        "time": "2026-01-31T18:00:00+00:00",
        "window": {"start": "2026-01-31T18:00:00+00:00", "end": "2026-01-31T18:00:00+00:00"},
        "scheduled": True,
        "attempt": 2,
    }
    assert (
        compiler.template("{{ run.time }}|{$.execution.time}").evaluate(scope).count("2026-01-31T18:00:00+00:00") == 2
    )
    assert compiler.value("{{ run.time.year + 1 }}").evaluate(scope) == 2027
    assert compiler.value("{{ run.id }}").evaluate(Scope(run={"id": "as data"})) == "as data"


def test_jinja_and_jsonpath_are_loaded_only_where_needed() -> None:
    """A file without expressions is checked without either; secrets and names of paths need neither."""
    program = (
        "import sys; from airflow_provider_gimme.expressions import Compiler; c = Compiler();"
        "c.value({'a': ['x', 'Bearer ${T}']}); c.endpoint('/a/{b}'); c.template('${T}');"
        "heavy = {'jinja2', 'jsonpath_rfc9535', 'airflow', 'aiohttp', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_exist() -> None:
    """What is listed can be imported."""
    assert all(hasattr(package, name) for name in package.__all__)
    assert package.__all__ == sorted(
        package.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )


def test_more_local_names_leave_the_rest_of_a_scope_as_it_is() -> None:
    """Each of its fields, whatever they are."""
    marks: dict[str, Any] = {each.name: object() for each in fields(Scope) if each.name != "extra"}
    scope = replace(Scope(extra={"item": 1}), **marks)
    assert scope.with_extra(index=2) == replace(scope, extra={"item": 1, "index": 2})
