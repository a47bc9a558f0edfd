"""Airflow's form is drawn from the workflow's inputs, and says no more than they do."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import ParamValidationError

from airflow_provider_gimme.build.params import build_params

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["topic"],
    "$defs": {"level": {"type": "integer", "minimum": 1, "maximum": 12}},
    "properties": {
        "topic": {"type": "string", "description": "What it is about"},
        "count": {"type": "integer", "default": 8, "minimum": 1},
        "note": {"type": "string"},
        "size": {"enum": ["s", "m"]},
        "level": {"$ref": "#/$defs/level"},
        "same": {"$ref": "#/properties/count"},
    },
}


def checked(**given: Any) -> dict[str, Any]:
    """Return what Airflow makes of a conf."""
    params = ParamsDict(build_params(SCHEMA))
    params.update(given)
    return params.validate()


def test_a_form_that_is_left_empty_is_accepted() -> None:
    """What is optional may be null, which is what the form sends for an empty field."""
    assert checked(topic="x") == {"topic": "x", "count": 8, "note": None, "size": None, "level": None, "same": None}


@pytest.mark.parametrize(
    "given",
    [{"topic": 1}, {"topic": "x", "count": 0}, {"topic": "x", "size": "l"}, {"topic": "x", "level": 13}],
)
def test_a_wrong_value_is_refused(given: dict[str, Any]) -> None:
    """Airflow checks single properties before it makes a run, those that refer to definitions too."""
    with pytest.raises(ParamValidationError, match=f"param {list(given)[-1]}"):
        checked(**given)


def test_what_is_required_must_be_given() -> None:
    """A required property has no default, so Airflow refuses a run without it, by name."""
    with pytest.raises(ParamValidationError, match="topic"):
        checked()


def test_a_reference_elsewhere_is_left_to_the_whole_check() -> None:
    """A reference that Airflow could not follow does not break the form; the task `inputs` checks it."""
    assert checked(topic="x", same="not a number")["same"] == "not a number"


def test_the_form_knows_names_and_descriptions() -> None:
    """Titles and descriptions are those of the schema."""
    params = build_params(SCHEMA)
    assert (params["topic"].description, params["topic"].schema["title"]) == ("What it is about", "topic")


def test_params_fit_a_dag_with_a_schedule() -> None:
    """Airflow takes the params of a scheduled workflow whose inputs all have a default or are optional."""
    optional = {**SCHEMA, "required": []}
    dag = DAG(
        "d",
        schedule="@daily",
        params=build_params({**optional, "properties": {"count": SCHEMA["properties"]["count"]}}),
    )
    assert dag.params["count"] == 8


def test_without_a_schema_there_is_no_form() -> None:
    """A workflow without inputs has no params."""
    assert build_params(None) == {}
