"""A folder of workflow files as an Airflow Dag bundle."""

from __future__ import annotations

from airflow_provider_gimme.bundles.bundle import WorkflowBundle

__all__ = ["WorkflowBundle"]
