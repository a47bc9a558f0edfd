"""Check workflow files as this Airflow would read them: with its functions, its pools, its version."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from airflow.configuration import conf

import airflow_provider_gimme
from airflow_provider_gimme.bundles.checking import Checked
from airflow_provider_gimme.expressions import Functions
from airflow_provider_gimme.loading.surroundings import Surroundings

__all__ = ["SiteCheck", "package_digest"]


class SiteCheck:
    """Checks a workflow by planning it and building its Dag: what passes is a Dag, on this Airflow.

    One is made for each round of checks, so that the site's functions are loaded once, and only if something is new.
    """

    @functools.cached_property
    def key(self) -> str:
        """A hash of all that an outcome depends on beside the file: this package, the site's functions and settings."""
        from airflow_provider_gimme.build.dag import read_site

        plugins = Path(conf.get("core", "plugins_folder", fallback="") or "/nowhere")
        site = [(path.name, path.read_bytes()) for path in sorted(plugins.glob("gimme_*.py"))]
        return hashlib.sha256(ascii((package_digest(), site, read_site())).encode()).hexdigest()

    def __call__(self, text: str, file: str, environment: str | None, surroundings: Surroundings) -> Checked:
        """Return the Dag's id and pools; raise WorkflowError with all problems, FunctionsError for the site's own."""
        from airflow_provider_gimme.build.dag import build_dag, read_site
        from airflow_provider_gimme.plan import plan_text

        plan = plan_text(
            text,
            file,
            environment=environment,
            functions=self._functions,
            site=read_site(),
            surroundings=surroundings,
        )
        return Checked(build_dag(plan).dag_id, plan.pools, plan.around)

    @functools.cached_property
    def _functions(self) -> Functions:
        from airflow_provider_gimme.hooks.functions import read_site_functions

        return read_site_functions()


@functools.cache
def package_digest() -> str:
    """Return a hash of this package's files by path, size and time: it changes with every upgrade and edit."""
    root = Path(airflow_provider_gimme.__file__).parent
    stats = ((path.relative_to(root), path.stat()) for path in sorted(root.rglob("*.py")))
    listing = "".join(f"{path} {stat.st_size} {stat.st_mtime_ns}\n" for path, stat in stats)
    return hashlib.sha256(listing.encode()).hexdigest()
