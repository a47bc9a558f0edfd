"""From a workflow, or its plan, to an Airflow Dag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_gimme.build.broken import build_broken
    from airflow_provider_gimme.build.dag import build_dag, build_workflow

__all__ = ["build_broken", "build_dag", "build_workflow"]


def __getattr__(name: str) -> Any:
    """Load a function of this package at its first use (PEP 562): the scheduler imports parts of it by themselves."""
    if name in {"build_dag", "build_workflow"}:
        from airflow_provider_gimme.build import dag

        return getattr(dag, name)
    if name == "build_broken":
        from airflow_provider_gimme.build import broken

        return broken.build_broken
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
