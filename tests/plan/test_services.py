"""Where the calls of a step go, and with which credentials."""

from __future__ import annotations

from textwrap import dedent

import pytest

from airflow_provider_gimme.errors import StepError, WorkflowError
from airflow_provider_gimme.expressions import Scope
from airflow_provider_gimme.http.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth, HeaderAuth, NoAuth
from airflow_provider_gimme.plan import Plan, plan_text
from airflow_provider_gimme.plan.call import CallWork
from airflow_provider_gimme.plan.services import ServicePlan

SECRETS = Scope(secret=lambda name: f"<{name}>")


def plan(body: str) -> Plan:
    """Plan a workflow."""
    return plan_text("name: w\n" + dedent(body).strip("\n") + "\n", "w.yaml")


def service(body: str) -> ServicePlan:
    """Return the API that the first step of a workflow calls."""
    work = plan(body).steps[0].work
    assert isinstance(work, CallWork)
    return work.service


def resolved(found: ServicePlan) -> Auth:
    """Return the credentials of a service, secrets by name."""
    assert found.auth is not None
    return found.auth.resolve(SECRETS)


@pytest.mark.parametrize(
    "written, expected",
    [
        ("{type: none}", NoAuth()),
        ('{type: bearer, token: "${T}"}', BearerAuth("<T>")),
        ('{type: api_key, api_key: "${K}"}', ApiKeyAuth("<K>")),
        ('{type: api_key, api_key: "${K}", header_name: key, in: query}', ApiKeyAuth("<K>", "key", "query")),
        ('{type: basic, username: me, password: "${P}"}', BasicAuth("me", "<P>")),
        ('{type: custom, header_name: X-Token, token: "v1 ${T}"}', HeaderAuth({"X-Token": "v1 <T>"})),
        ('{type: custom, custom_headers: {A: "${A}", B: "b"}}', HeaderAuth({"A": "<A>", "B": "b"})),
    ],
)
def test_each_kind_of_auth_becomes_its_flow(written: str, expected: Auth) -> None:
    """What the file writes is resolved where a call is made, and not before."""
    found = resolved(service(f"api_base: https://a.example\nauth: {written}\nsteps: [{{name: a}}]"))
    assert type(found) is type(expected)
    assert vars(found) == vars(expected)


def test_a_connection_gives_the_credentials_itself() -> None:
    """``auth: connection`` cannot be resolved without Airflow, and says so."""
    found = service("connection: shop\nauth: {type: connection}\nsteps: [{name: a}]")
    assert (found.connection, found.api_base) == ("shop", None)
    assert found.auth is not None
    assert found.auth.connection == ""
    with pytest.raises(StepError, match="from a connection"):
        found.auth.resolve(SECRETS)


SHOP = """
api_base: https://a.example/v1
auth: {type: bearer, token: "${T}"}
headers: {X-Team: all, X-Trace: "1"}
services:
  own: {api_base: "https://own.example", auth: {type: none}, headers: {x-team: own}}
  other: {api_base: "https://other.example"}
  slow: {timeout: 30m}
steps: [{name: a, service: NAME}]
"""


@pytest.mark.parametrize(
    "name, base, auth",
    [
        ("own", "https://own.example", NoAuth),
        ("other", "https://other.example", BearerAuth),
        ("slow", "https://a.example/v1", BearerAuth),
    ],
)
def test_what_a_service_does_not_write_is_the_workflows(name: str, base: str, auth: type[Auth]) -> None:
    """Base, credentials and headers come from the service, else from the workflow."""
    found = service(SHOP.replace("NAME", name))
    assert found.api_base is not None
    assert found.api_base.evaluate(SECRETS) == base
    assert type(resolved(found)) is auth
    team = {header.lower(): text.evaluate(SECRETS) for header, text in found.headers.items()}
    assert team == {"x-team": "own" if name == "own" else "all", "x-trace": "1"}


def test_a_service_that_the_file_does_not_define_is_a_connection() -> None:
    """It has a host and credentials of its own, and a warning shows the near miss."""
    planned = plan(SHOP.replace("NAME", "othr"))
    work = planned.steps[0].work
    assert isinstance(work, CallWork)
    assert (work.service.connection, work.service.api_base, work.service.auth) == ("othr", None, None)
    (warning,) = planned.warnings
    assert "no service 'othr' in this file" in str(warning)
    assert "Did you mean 'other'?" in str(warning)


@pytest.mark.parametrize(
    "base", ["https://{{ inputs.host }}/v1", "{$.input.base}", "{{ steps.a.url }}", "{{ run.id }}"]
)
def test_who_starts_a_run_cannot_say_where_credentials_go(base: str) -> None:
    """A base is made of constants, for the workflow and for each of its services."""
    for body in (f'api_base: "{base}"\n', f'api_base: https://a.example\nservices: {{s: {{api_base: "{base}"}}}}\n'):
        service_key = ", service: s" if "services" in body else ""
        with pytest.raises(WorkflowError, match="only constants may stand in a base"):
            plan(body + f"steps: [{{name: a}}, {{name: b{service_key}}}]")


def test_a_base_may_be_made_of_secrets_and_variables() -> None:
    """What the file and its surroundings say is not in the hands of who starts a run."""
    found = service("variables: {v: v2}\napi_base: ${BASE}/{{ v }}\nsteps: [{name: a}]")
    assert found.api_base is not None
    assert (
        found.api_base.evaluate(Scope(variables={"v": "v2"}, secret=lambda name: f"https://{name}"))
        == "https://BASE/v2"
    )


def test_a_group_that_nobody_is_in_is_a_warning() -> None:
    """Keys of a group without members do nothing, which is hardly meant."""
    planned = plan(
        "api_base: https://a.example\ngroups: {docs: {max_parallel: 2}}\nsteps: [{name: a, parallel_group: doc}]"
    )
    (warning,) = planned.warnings
    assert "no step has parallel_group 'docs'. Did you mean 'doc'?" in str(warning)
