"""The Dag bundle over a folder of workflow files."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.configuration import AIRFLOW_HOME, conf
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion

from airflow_provider_gimme.bundles.binding import bind
from airflow_provider_gimme.bundles.checking import Check, Checks
from airflow_provider_gimme.bundles.folder import read_folder, read_providers
from airflow_provider_gimme.bundles.publication import InForce, Publication, choose, files_of, pool_warnings
from airflow_provider_gimme.bundles.runs import dags_with_runs, last_parsed
from airflow_provider_gimme.bundles.settling import LastParsed, Settling
from airflow_provider_gimme.bundles.site import SiteCheck
from airflow_provider_gimme.bundles.state import Published, read_published, write_published
from airflow_provider_gimme.bundles.store import KEEP, Store, version_of
from airflow_provider_gimme.bundles.tree import has_exactly, remove_old, write_tree
from airflow_provider_gimme.errors import BundleError

__all__ = ["GRACE", "ActiveRuns", "WorkflowBundle"]

_log = logging.getLogger(__name__)

GRACE = timedelta(seconds=60)
"""How long a Dag without file stays at least: by then Airflow has seen that it has no schedule and begins no run."""

_REFRESH_SECONDS = 30
_VIEW_LIFE = timedelta(days=1)

ActiveRuns = Callable[[Collection[str]], frozenset[str] | None]
"""Tells which of some Dags have runs that have not ended; None where that cannot be known."""


class WorkflowBundle(BaseDagBundle):
    """Every workflow file of a folder is a Dag; no Python to write.

    In Airflow's ``[dag_processor] dag_bundle_config_list``::

        [{"name": "workflows", "classpath": "airflow_provider_gimme.bundles.WorkflowBundle",
          "kwargs": {"path": "/opt/workflows", "env": "production"}}]

    ``path`` is the folder. ``env`` picks an overlay of the files' ``environments``; default is ``$GIMME_ENV``.
    ``store`` is where texts and versions are kept; default is ``gimme/bundles/NAME`` under ``$AIRFLOW_HOME``. Workers
    on other hosts than the Dag processor need it on storage that both can read. ``refresh_interval`` is in seconds,
    by default Airflow's own, at most 30.
    ``new_check``, ``active_runs``, ``last_parsed`` and ``clock`` are for programs; a configuration leaves them out.
    """

    supports_versioning = True

    def __init__(
        self,
        *,
        path: str,
        env: str | None = None,
        store: str | None = None,
        refresh_interval: int | None = None,
        new_check: Callable[[], Check] = SiteCheck,
        active_runs: ActiveRuns = dags_with_runs,
        last_parsed: LastParsed = last_parsed,
        clock: Callable[[], float] = time.time,
        **kwargs: Any,
    ) -> None:
        configured = conf.getint("dag_processor", "refresh_interval")
        super().__init__(refresh_interval=refresh_interval or min(configured, _REFRESH_SECONDS), **kwargs)
        self.folder = Path(path)
        self.environment = env or os.environ.get("GIMME_ENV") or None
        self.store = Store(Path(store) if store else Path(AIRFLOW_HOME, "gimme", "bundles", self.name))
        self._new_check = new_check
        self._active_runs = active_runs
        self._clock = clock
        self._refresh_interval = self.refresh_interval
        self._settling = Settling(last_parsed, conf.getfloat("dag_processor", "min_file_process_interval"))
        self._view: str | None = None

    @property
    def path(self) -> Path:
        """Where the stubs are: of this version, of this moment, or those that the Dag processor publishes."""
        if self.version:
            return self.versions_dir / self.version
        return self.base_dir / "views" / self._view if self._view else self.base_dir / "current"

    def initialize(self) -> None:
        """Make the stubs readable: exactly those of the version, or those of the folder as it is now.

        A version is rebuilt from what was kept, without a look at the folder. Raises BundleError where it is not kept.
        Without a version this shows the folder to this process and leaves what the Dag processor reads alone: it would
        note the new texts under its old version.
        """
        with self.lock():
            if self.version:
                self._write_version(self.version)
            else:
                self._view = self._look()
                self._write_version(self._view)
        super().initialize()

    def get_current_version(self) -> BundleVersion | None:
        """Return the version of the stubs: a hash of their content."""
        version = self.version or self._view or read_published(self.store).version
        return BundleVersion(version) if version else None

    def refresh(self) -> None:
        """Publish the folder as it is now. Raises BundleError where it cannot be read: the last version stays.

        A change for which a Dag has to wait comes with a refresh that is due at once.
        """
        if self.version:
            raise BundleError(f"bundle '{self.name}' is at version '{self.version}' and cannot be refreshed.")
        self._view = None
        with self.lock():
            now = self._clock()
            before = read_published(self.store)
            publication, providers = self._choose(before, now)
            files, waits = self._settling.hold(self.path, files_of(publication, self.environment), now)
            published = Published(version_of(files), publication.workflows, providers)
            if published != before:
                self.store.put_version(files)
                write_published(self.store, published)
                for warning in pool_warnings(publication.workflows.values()):
                    _log.warning("Bundle '%s': %s", self.name, warning)
            write_tree(self.path, files, now)
            texts = [text for workflow in publication.workflows.values() for text in workflow.texts]
            self.store.clean(version_of(files), [*texts, *providers.values()], now)
            remove_old(self.base_dir / "views", now - _VIEW_LIFE.total_seconds())
        self.refresh_interval = 1 if waits else self._refresh_interval

    def _look(self) -> str:
        """Return the version of the folder as it is now; where it cannot be read, the last one, if there is any."""
        before = read_published(self.store)
        try:
            return self.store.put_version(files_of(self._choose(before, self._clock())[0], self.environment))
        except BundleError as error:
            if not before.version:
                raise
            _log.error("Bundle '%s': %s", self.name, error)
            return before.version

    def _write_version(self, version: str) -> None:
        objects = self.store.paths(version)
        if not has_exactly(self.path, objects):
            files = {path: self.store.get(digest) for path, digest in objects.items()}
            write_tree(self.path, files, self._clock())

    def _choose(self, before: Published, now: float) -> tuple[Publication, Mapping[str, str]]:
        """Return what the folder publishes, and the texts of ``providers/`` that are in force, by file."""
        checks = Checks(self.store.root / "checks.json", self._new_check(), self.environment)
        gone = self._gone(before.workflows.values(), now)
        hint = "What was published last stays in force. Check the bundle's `path`."
        publication = choose(read_folder(self.folder, hint), checks.of, before.workflows, now=now, gone=gone)
        checks.remember()
        bindings = bind(read_providers(self.folder), before.providers, publication.defined)
        return publication.with_bindings(bindings), bindings.texts

    def _gone(self, before: Iterable[InForce], now: float) -> Callable[[InForce], bool]:
        """Return the rule by which a Dag without file goes: a while after its schedule did, and without a run.

        Where runs cannot be looked up, it stays as long as its version would.
        """
        waiting = {old.dag_id for old in before if _age(old, now) >= GRACE.total_seconds()}
        running = self._active_runs(waiting) if waiting else frozenset()

        def gone(workflow: InForce) -> bool:
            if running is None:
                return _age(workflow, now) >= KEEP.total_seconds()
            return workflow.dag_id in waiting - running

        return gone


def _age(workflow: InForce, now: float) -> float:
    """Return the seconds since the workflow's file went; 0 while there is one."""
    return 0.0 if workflow.retired is None else now - workflow.retired
