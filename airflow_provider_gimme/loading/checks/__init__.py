"""What a file may not say although each of its values is of the right kind."""

from __future__ import annotations

from airflow_provider_gimme.loading.checks.addresses import check_addresses
from airflow_provider_gimme.loading.checks.headers import check_headers
from airflow_provider_gimme.loading.checks.inputs import check_inputs
from airflow_provider_gimme.loading.checks.json_schema import check_bodies
from airflow_provider_gimme.loading.checks.keys import check_keys
from airflow_provider_gimme.loading.checks.names import check_names
from airflow_provider_gimme.loading.checks.schedule import check_schedule
from airflow_provider_gimme.loading.checks.secrets import check_secrets
from airflow_provider_gimme.loading.nodes import Mapping
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.walk import walk

__all__ = ["check_merged", "check_written"]


def check_written(root: Mapping, report: Report) -> None:
    """Check what was written, wherever in the file it stands: ``defaults`` and overlays included."""
    visits = tuple(walk(root))
    check_secrets(root, visits, report)
    check_keys(visits, report)
    check_headers(visits, report)
    check_addresses(visits, report)
    check_bodies(visits, report)


def check_merged(root: Mapping, report: Report) -> None:
    """Check the document as it is in its environment, with complete steps."""
    for check in (check_names, check_schedule, check_inputs):
        check(root, report)
