"""What a workflow file may say."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from airflow_provider_gimme.config.auth import Auth
from airflow_provider_gimme.config.base import Config
from airflow_provider_gimme.config.monitoring import Monitoring
from airflow_provider_gimme.config.retry import Retry
from airflow_provider_gimme.config.scalars import DagId, Limit, Moment, Name, Text, Zone
from airflow_provider_gimme.config.schedule import Schedule
from airflow_provider_gimme.config.step_union import AnyStep

__all__ = ["RESERVED_NAMES", "STEP_LIMIT", "Service", "Workflow"]

RESERVED_NAMES = frozenset({"inputs", "result", "compensation", "notify", "outcome"})
"""Task ids the provider keeps for itself."""

STEP_LIMIT = 10_000
"""The most steps a workflow may have."""


class Service(Config):
    """An API that steps pick by name."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"api_base", "connection"}),)

    api_base: Text | None = None
    """The base URL; its path is kept."""
    connection: Name | None = None
    """An Airflow HTTP connection that gives host, login, password and extras."""
    auth: Auth | None = None
    """The credentials for this service."""
    headers: dict[str, Text] | None = None
    """Headers of every call to this service."""
    timeout: Limit | None = None
    """The default ``timeout`` of its steps."""
    retry: Retry | None = None
    """The default ``retry`` of its steps."""


class Workflow(Config):
    """One workflow: one file, one Dag."""

    exclusive: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"api_base", "connection"}),
        frozenset({"inputs", "input_schema_id"}),
    )

    id: DagId | None = None
    """The Dag's id; with it, ``name`` is only the name shown."""
    name: Text | None = None
    """The workflow's name and, without ``id``, the Dag's id."""
    description: Text = ""
    """What the workflow is for."""
    version: Text | None = None
    """The file's own version, shown in the UI."""
    owner: Text | None = None
    """Who answers for it, shown in the UI."""
    tags: list[Text] = []
    """Tags in the UI."""
    provider_id: Text | None = None
    """Free text; ``$.provider_id`` in expressions."""
    active: bool | None = None
    """``true``: unpaused when created; ``false``: no schedule and manual runs are refused; default is Airflow's."""
    schedule: Schedule | None = None
    """When it runs by itself: a cron expression in UTC, ``{cron, timezone}`` or ``{every}``."""
    timezone: Zone = "UTC"
    """The zone of ``start_date``, of ``run.*`` times and of shown times."""
    start_date: Moment | None = None
    """The first moment a scheduled run may stand for."""
    catchup: bool = False
    """Whether scheduled times already past are run too; needs a ``start_date``."""
    max_active_runs: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How many runs may be active at once."""
    timeout: Limit | None = None
    """The limit of the whole run, from its start."""
    api_base: Text | None = None
    """The base URL of every call; its path is kept."""
    connection: Name | None = None
    """An Airflow HTTP connection that gives host, login, password and extras."""
    auth: Auth | None = None
    """The credentials of every call."""
    headers: dict[str, Text] = {}
    """Headers of every call."""
    allow_hosts: list[Text] = []
    """Hosts that a call may also go to, without credentials."""
    services: dict[Name, Service] = {}
    """APIs that steps pick by ``service``."""
    variables: dict[Text, Any] = {}
    """Constants; in templates by name and under ``variables``."""
    inputs: dict[str, Any] | None = None
    """A JSON Schema (2020-12) of the run's ``conf``."""
    input_schema_id: Text | None = None
    """The schema of the run's ``conf``: the ``id`` of a file of ``schemas/``, or ``id@version``."""
    outputs: dict[str, Any] | None = None
    """The workflow's result: name to expression; default the last step's output."""
    output_schema_id: Text | None = None
    """The schema of the result, which is checked by it: the ``id`` of a file of ``schemas/``, or ``id@version``."""
    state: dict[Name, Text] = {}
    """What the next run can read as ``state.<name>``: name to expression, stored when the run succeeds."""
    defaults: dict[str, Any] = {}
    """Any keys of a step, for every step."""
    groups: dict[Name, dict[str, Any]] = {}
    """Groups by name: ``max_parallel``, ``description``, and any keys of a step for its members."""
    pools: dict[Text, Annotated[int, Field(ge=1, le=100_000)]] = {}
    """Pools by name, with their slots; shared by all workflows that name them."""
    max_parallel: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many tasks of one run may be active at once."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 1
    """Tasks of a higher priority are scheduled first."""
    environments: dict[Name, dict[str, Any]] = {}
    """Overlays by environment, merged over the file; ``steps`` by name."""
    monitoring: Monitoring = Monitoring.model_construct()
    """Who is told how a run ends."""
    order: Literal["listed", "graph"] | None = None
    """``listed`` runs the steps one after the other; ``graph`` by what they depend on."""
    steps: Annotated[list[AnyStep], Field(min_length=1)]
    """The steps, 1 to 10,000."""

    @property
    def dag_id(self) -> str:
        """The id of the workflow's Dag."""
        return self.id or self.name or ""

    @property
    def display_name(self) -> str:
        """The name shown to people."""
        return self.name or self.id or ""
