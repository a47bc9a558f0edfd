"""An Airflow started here knows its own addresses and nothing of another one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo.environment import LOCAL_BUNDLE, Bundle, Settings, airflow_environment, free_ports


def _settings(**more: object) -> Settings:
    values = {
        "home": Path("/home/x"),
        "port": 1234,
        "execution_port": 1235,
        "log_ports": (1, 2),
        "sql_alchemy_conn": "sqlite:////x.db",
    }
    return Settings(**{**values, **more})  # type: ignore[arg-type]


def test_the_workers_talk_to_their_own_api_server() -> None:
    """The address for workers is that of this instance's server for tasks, on the loopback interface."""
    environment = airflow_environment(_settings())
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:1235/execution/"
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_another_airflows_settings_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shell says about another Airflow does not reach this one; other variables do."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "http://shop")
    monkeypatch.setenv("SHOP_TOKEN", "t")
    environment = airflow_environment(_settings())
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_SHOP" not in environment
    assert environment["SHOP_TOKEN"] == "t"


def test_the_callers_variables_win() -> None:
    """``env`` overrules the pace that is set here."""
    environment = airflow_environment(_settings(env={"AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "7"}))
    assert environment["AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC"] == "7"


def test_bundles_are_told_as_json() -> None:
    """Each bundle is an entry of the list with name, class and arguments."""
    environment = airflow_environment(_settings(bundles=(Bundle("a", LOCAL_BUNDLE, {"path": "/p"}),)))
    assert json.loads(environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"]) == [
        {"name": "a", "classpath": LOCAL_BUNDLE, "kwargs": {"path": "/p"}}
    ]


def test_keys_differ_between_instances() -> None:
    """A token of one Airflow is worth nothing at another."""
    one, other = airflow_environment(_settings()), airflow_environment(_settings())
    for name in ("API_AUTH__JWT_SECRET", "CORE__FERNET_KEY", "API__SECRET_KEY"):
        assert one[f"AIRFLOW__{name}"] != other[f"AIRFLOW__{name}"]


def test_ports_differ() -> None:
    """Ports asked for together are all different."""
    assert len(set(free_ports(20))) == 20
