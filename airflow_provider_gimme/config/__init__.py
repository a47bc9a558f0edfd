"""What a person may write: the pydantic models of a workflow file, and the only schema there is."""

from __future__ import annotations

from airflow_provider_gimme.config.workflow import RESERVED_NAMES, STEP_LIMIT, Service, Workflow

__all__ = ["RESERVED_NAMES", "STEP_LIMIT", "Service", "Workflow"]
