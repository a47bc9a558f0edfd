"""The settings that every workflow is built with."""

from __future__ import annotations

import pytest

from airflow_provider_gimme.hooks.settings import read_setting

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own, at the first import of its models


def test_a_setting_is_what_its_environment_variable_says_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept only for as long as that says the same; without one it is what Airflow knows, or empty."""
    for written in ("first", "second", "first"):
        monkeypatch.setenv("AIRFLOW__GIMME__SITE_POOLS", written)
        assert read_setting("gimme", "site_pools") == written
    monkeypatch.delenv("AIRFLOW__GIMME__SITE_POOLS")
    assert read_setting("gimme", "site_pools") == read_setting("gimme", "none") == ""
    assert int(read_setting("core", "max_active_tasks_per_dag")) > 0
