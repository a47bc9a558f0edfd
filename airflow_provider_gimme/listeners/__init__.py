"""What the scheduler does for us when a run starts."""

from __future__ import annotations
