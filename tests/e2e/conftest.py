"""One running Airflow for all end-to-end tests: scheduler, Dag processor, API server and triggerer.

A test drops a file into `dags` or `workflows` and waits for its Dag; names must differ from test to test. Every test
below this folder may take three minutes, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.environment import LOCAL_BUNDLE, WORKFLOW_BUNDLE, Bundle
from demo.instance import AirflowInstance

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]

API_KEY = "e2e-Key/with+odd=characters-7Qx"
"""The API key of every workflow of these tests; it must be found nowhere."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="package")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the shared Airflow's ordinary bundle ``dags``: Python files."""
    return tmp_path_factory.mktemp("dags")


@pytest.fixture(scope="package")
def workflows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the shared Airflow's bundle ``workflows``: workflow files."""
    return tmp_path_factory.mktemp("workflows")


@pytest.fixture(scope="package")
def airflow(tmp_path_factory: pytest.TempPathFactory, dags: Path, workflows: Path) -> Iterator[AirflowInstance]:
    """Give the shared Airflow, running until the last test of this folder; who breaks a component starts it again."""
    bundles = [
        Bundle("dags", LOCAL_BUNDLE, {"path": str(dags), "refresh_interval": 1}),
        Bundle("workflows", WORKFLOW_BUNDLE, {"path": str(workflows), "refresh_interval": 1}),
    ]
    instance = AirflowInstance(
        tmp_path_factory.mktemp("airflow"),
        bundles=bundles,
        plugins_folder=_REPOSITORY / "plugins",
        env={
            "DERIVATIV_API_KEY": API_KEY,
            "AIRFLOW__GIMME__ALLOWED_OPERATORS": "airflow.providers.standard.*",
            "AIRFLOW_CONN_FS_DEFAULT": "fs:///",
        },
    )
    with instance:
        yield instance
