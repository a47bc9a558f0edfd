"""Memmie's workflows mean what their document says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_gimme.cli.main import main
from airflow_provider_gimme.plan import Plan, plan_file

FOLDER = Path(__file__).resolve().parents[1] / "workflow_configs" / "memmie"


def plan(name: str) -> Plan:
    return plan_file(FOLDER / f"{name}.yaml")


def configs(made: Plan) -> dict[str, Any]:
    return {step.task_id: step.config for step in made.steps}


def test_the_folder_has_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    """Its workflows, schemas and provider are right together; the document's files warn of what they leave open."""
    assert main(["validate", str(FOLDER)]) == 0
    warned = [line for line in capsys.readouterr().out.splitlines() if "Airflow connection of that name" not in line]
    assert len(warned) == 1
    assert "'validate_blob'.input_map.schema_id: the schema 'blob_input_schema_v1' has no property" in warned[0]


def test_the_first_workflow_is_the_documents() -> None:
    """Its steps run as listed, with the document's times, attempts, condition and compensation."""
    made = plan("blob-processing")
    steps = configs(made)
    assert (made.dag_id, made.display_name) == ("blob_processing_workflow", "Blob Processing Pipeline")
    assert (made.workflow.provider_id, made.workflow.active) == ("memmie-studio", True)
    assert list(steps) == ["validate_blob", "extract_metadata", "trigger_providers", "generate_deltas"]
    assert [step.upstream for step in made.steps] == [(), *((name,) for name in list(steps)[:3])]
    assert [step.timeout for step in made.steps] == [timedelta(seconds=each) for each in (30, 20, 60, 45)]
    rules = made.by_id["validate_blob"].retry
    assert (rules.limit, rules.backoff, rules.delay) == (1, "constant", timedelta(seconds=1))
    assert made.by_id["extract_metadata"].condition is not None
    assert made.by_id["trigger_providers"].tolerated
    undo = steps["trigger_providers"].compensation
    assert (undo.service, undo.endpoint, undo.method) == ("studio", "/providers/rollback", "POST")
    assert [step.task_id for step in made.undoable] == ["trigger_providers"]
    assert made.input_schema is not None
    assert made.output_schema is not None
    assert made.input_schema["required"] == ["blob_id", "user_id", "provider_ids"]
    assert made.output_schema["required"] == ["deltas", "new_blob_ids"]


def test_the_second_workflow_is_the_documents() -> None:
    """A chapter is loaded, expanded, checked and saved, one step after the other, by two services."""
    made = plan("book-chapter-expansion")
    steps = configs(made)
    assert [(name, step.service, step.verb, step.endpoint) for name, step in steps.items()] == [
        ("load_chapter", "studio", "GET", "/blobs/{blob_id}"),
        ("expand_content", "core", "POST", "/generate"),
        ("check_consistency", "studio", "POST", "/consistency/check"),
        ("save_expansion", "studio", "POST", "/blobs"),
    ]
    assert made.workflow.provider_id == "book:my-novel"
    assert made.by_id["save_expansion"].reads == {"expand_content", "check_consistency"}
