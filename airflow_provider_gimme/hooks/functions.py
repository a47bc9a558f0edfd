"""The site's own functions, where Airflow keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_gimme.hooks.settings import read_setting

if TYPE_CHECKING:
    from airflow_provider_gimme.errors import FunctionsError
    from airflow_provider_gimme.expressions import Functions

__all__ = ["read_site_functions"]


def read_site_functions(broken: list[FunctionsError] | None = None) -> Functions:
    """Return the site's own functions: those of installed packages and of Airflow's plugins folder.

    For ``broken`` see :func:`~airflow_provider_gimme.expressions.load_functions`.
    """
    from airflow_provider_gimme.expressions import load_functions

    folder = read_setting("core", "plugins_folder")
    return load_functions([Path(folder)] if folder else [], broken=broken)
