"""Orchestrate any REST API on Apache Airflow from a YAML file."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
