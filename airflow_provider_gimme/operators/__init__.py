"""The tasks of a workflow's Dag."""

from __future__ import annotations
