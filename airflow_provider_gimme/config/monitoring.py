"""Who is told how a run ends."""

from __future__ import annotations

from pydantic import model_validator

from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.scalars import Limit, SecretText, Text

__all__ = ["Alerts", "Monitoring"]


class Alerts(Config):
    """Say which ends of a run, and which delays, are told."""

    on_failure: bool = True
    """Tell of a run that failed."""
    on_success: bool = True
    """Tell of a run that succeeded."""
    on_error_tolerated: bool = True
    """Tell of a run that succeeded with tolerated errors."""
    on_long_duration: Limit | None = None
    """Tell of a run that still runs after this time."""


class Monitoring(Config):
    """Say where the end of a run is told, and how."""

    webhook_url: Text | None = None
    """The URL that gets one POST at the end of every run. Not a template, but it may hold ``${NAME}``."""
    webhook_secret: SecretText | None = None
    """The key that signs each delivery by Standard Webhooks, as ``${NAME}``."""
    alerts: Alerts = Alerts.model_construct()
    """Which ends and delays are told."""

    @model_validator(mode="after")
    def _has_receiver(self) -> Monitoring:
        if self.webhook_url is None and (self.webhook_secret is not None or "alerts" in self.model_fields_set):
            raise ValueError("nobody to tell. Write 'webhook_url', which 'webhook_secret' and 'alerts' need.")
        return self
