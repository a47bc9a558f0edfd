"""``gimme schema``: the JSON Schema of a workflow file, for editors."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

__all__ = ["run", "workflow_schema"]


def workflow_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a workflow file, made from its models."""
    from airflow_provider_gimme.config import Workflow

    schema = Workflow.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "A gimme workflow"}


def run(_options: Namespace) -> int:
    """Print the schema."""
    print(json.dumps(workflow_schema(), indent=2))
    return 0
