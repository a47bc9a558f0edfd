"""What the provider adds to Airflow's components; registered by entry point."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_gimme.api.app import PREFIX, lazy_app
from airflow_provider_gimme.build.every import EveryTimetable
from airflow_provider_gimme.listeners import pools, warmup

__all__ = ["GimmePlugin"]


class GimmePlugin(AirflowPlugin):
    """Register the listeners (pools make themselves, modules come ahead), the timetable of ``every``, the API."""

    name = "gimme"
    listeners = [pools, warmup]
    timetables = [EveryTimetable]
    fastapi_apps = [{"app": lazy_app, "url_prefix": PREFIX, "name": "Gimme"}]
