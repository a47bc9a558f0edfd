"""From the text of a file to its workflow, with marks: every problem of the file at once, and where it stands."""

from __future__ import annotations

from airflow_provider_gimme.loading.load import Loaded, load_text

__all__ = ["Loaded", "load_text"]
