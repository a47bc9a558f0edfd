"""What every subcommand reads: the site's functions, and a workflow."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_gimme.expressions import Functions
    from airflow_provider_gimme.plan import Plan
    from airflow_provider_gimme.plan.site import Site

__all__ = ["function_folders", "read_plan", "read_site", "site_functions"]


def function_folders(given: list[Path], environment: Mapping[str, str]) -> list[Path]:
    """Return the folders where ``gimme_*.py`` files are looked for: those given, Airflow's plugins, ``./plugins``."""
    folders = list(given)
    if plugins := environment.get("AIRFLOW__CORE__PLUGINS_FOLDER"):
        folders.append(Path(plugins))
    if home := environment.get("AIRFLOW_HOME"):
        folders.append(Path(home) / "plugins")
    folders.append(Path("plugins"))
    return [folder for folder in dict.fromkeys(path.resolve() for path in folders) if folder.is_dir()]


def site_functions(options: Namespace) -> Functions:
    """Load the functions and filters that the site adds to expressions."""
    from airflow_provider_gimme.expressions import load_functions

    return load_functions(function_folders(options.functions, os.environ))


def read_site(environment: Mapping[str, str]) -> Site:
    """Return what the site allows workflows, as far as the environment says it (``AIRFLOW__GIMME__…``)."""
    from airflow_provider_gimme.plan.site import Site

    return Site.read(lambda name: environment.get(f"AIRFLOW__GIMME__{name.upper()}"))


def read_plan(options: Namespace) -> Plan:
    """Plan the file that the command line names.

    :raises WorkflowError: with every problem of the file.
    """
    from airflow_provider_gimme.plan import plan_file

    return plan_file(
        options.file,
        environment=options.environment,
        functions=site_functions(options),
        site=read_site(os.environ),
    )
