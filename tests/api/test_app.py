"""The application that Airflow mounts without authentication."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.api.app import make_app
from airflow_provider_gimme.errors import EventError
from airflow_provider_gimme.plugin import GimmePlugin

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own API uses what starlette deprecates


SIGNED = "/api/v1/resume/{token}"
"""The one route that asks for no user: its token is the right to it."""


def test_every_route_asks_who_calls() -> None:
    """Each route but the signed one depends on a user of Airflow's auth manager; this application is mounted."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi.routing import APIRoute

    routes = [route for route in make_app().routes if isinstance(route, APIRoute)]
    assert [route.path for route in routes] == ["/api/v1/events", SIGNED]
    asked = [route.path for route in routes if get_user in [each.call for each in route.dependant.dependencies]]
    assert asked == ["/api/v1/events"]
    assert [each["url_prefix"] for each in GimmePlugin.fastapi_apps] == ["/gimme"]


@pytest.mark.parametrize("written", ["[1]", "{", '{"a": 1}', '{"a": ["b", 2]}'])
def test_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """`event_subjects` is an object from names to types; anything else is an error that names it."""
    from airflow_provider_gimme.api.events import read_subjects

    monkeypatch.setenv("AIRFLOW__GIMME__EVENT_SUBJECTS", '{"made": "a.b", "any": ["a.>"]}')
    assert read_subjects() == {"made": ("a.b",), "any": ("a.>",)}
    monkeypatch.setenv("AIRFLOW__GIMME__EVENT_SUBJECTS", written)
    with pytest.raises(EventError, match="event_subjects is no JSON object"):
        read_subjects()
