"""What a worker looks up in Airflow for a call: secrets and connections."""

from __future__ import annotations
