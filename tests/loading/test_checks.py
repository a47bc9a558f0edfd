from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from airflow_provider_gimme.loading.checks.inputs import check_inputs
from airflow_provider_gimme.loading.checks.schedule import check_schedule
from airflow_provider_gimme.loading.nodes import Mapping
from airflow_provider_gimme.loading.parse import parse
from airflow_provider_gimme.loading.report import Report
from tests.loading.test_load import FETCH, good, said


def checked(check: Any, text: str, **options: Any) -> list[str]:
    """Return what one check says of a text."""
    report = Report("f")
    root = parse(text, report)
    assert isinstance(root, Mapping)
    check(root, report, **options)
    return [str(problem).removeprefix("f:1:") for problem in report.problems]


SCHEMAS = [
    ("{type: object, properties: {a: {type: [string, 'null'], minLength: 1, pattern: '^a'}}}", True),
    ("{properties: {a: true, b: false}, additionalProperties: false, required: [a, b]}", True),
    ("{allOf: [{required: [a]}], $defs: {x: {enum: [1, a]}}, properties: {x: {$ref: '#/$defs/x'}}}", True),
    ("{properties: {n: {minimum: 1.5, multipleOf: 2, maxItems: 2.0, uniqueItems: true}}}", True),
    ("{if: {properties: {a: {const: 1}}}, then: {required: [b]}, dependentRequired: {a: [b]}}", True),
    ("{properties: {a: {type: text}}}", False),
    ("{properties: {a: {type: [string, text]}}}", False),
    ("{properties: {a: 3}}", False),
    ("{properties: [a]}", False),
    ("{required: a, properties: {}}", False),
    ("{required: [a, a]}", False),
    ("{properties: {a: {minimum: '1'}}}", False),
    ("{properties: {a: {minimum: true}}}", False),
    ("{properties: {a: {exclusiveMinimum: true}}}", False),
    ("{properties: {a: {minLength: -1}}}", False),
    ("{properties: {a: {minLength: 1.5}}}", False),
    ("{properties: {a: {enum: x}}}", False),
    ("{properties: {a: {items: [{type: string}]}}}", False),
    ("{properties: {a: {anyOf: []}}}", False),
    ("{properties: {a: {anyOf: {type: string}}}}", False),
    ("{properties: {a: {uniqueItems: 1}}}", False),
    ("{properties: {a: {title: 3}}}", False),
    ("{properties: {a: {format: [date]}}}", False),
    ("{dependentRequired: [a]}", False),
]


@pytest.mark.parametrize("schema, valid", SCHEMAS)
def test_our_check_of_a_schema_agrees_with_the_meta_schema(schema: str, *, valid: bool) -> None:
    """What JSON Schema 2020-12 refuses we refuse, and nothing that it allows."""
    try:
        Draft202012Validator.check_schema(yaml.safe_load(schema))
    except SchemaError:
        refused = True
    else:
        refused = False
    assert refused is not valid
    assert bool(checked(check_inputs, f"{{inputs: {schema}}}")) is refused


DEFAULTS = [
    ("string", "a", True),
    ("string", "1", False),
    ("integer", "1", True),
    ("integer", "1.0", True),
    ("integer", "1.5", False),
    ("integer", "true", False),
    ("number", "1", True),
    ("boolean", "true", True),
    ("boolean", "1", False),
    ("array", "[1]", True),
    ("array", "{}", False),
    ("object", "{}", True),
    ("object", "[]", False),
    ("'null'", "null", True),
    ("string", "null", False),
]


@pytest.mark.parametrize("kind, default, fits", DEFAULTS)
def test_a_default_is_of_its_own_type(kind: str, default: str, *, fits: bool) -> None:
    """A scheduled run would otherwise fail at its first task, every night."""
    lines = checked(check_inputs, f"{{inputs: {{properties: {{a: {{type: {kind}, default: {default}}}}}}}}}")
    assert (lines == []) is fits


def test_nothing_is_fetched_for_a_schema_and_local_references_resolve() -> None:
    """References by pointer, with escapes and through lists, are followed within the schema."""
    good_ones = (
        "{inputs: {$defs: {'a/b': {oneOf: [{}]}}, properties: {x: {$ref: '#/$defs/a~1b/oneOf/0'}, y: {$ref: '#'}}}}"
    )
    assert checked(check_inputs, good_ones) == []
    for bad in ("https://x.example.com/s", "#/$defs/none", "other.yaml#/a"):
        assert len(checked(check_inputs, f"{{inputs: {{properties: {{x: {{$ref: '{bad}'}}}}}}}}")) == 1


ZONES = [
    ("0 18 * * *", "Asia/Singapore", "18:00 UTC is 02:00 in Asia/Singapore"),
    ("5 0 * * 1", "America/New_York", "00:05 UTC is 19:05 or 20:05 in America/New_York"),
    ("@daily", "Asia/Kolkata", "00:00 UTC is 05:30 in Asia/Kolkata"),
    ("0 */4 * * *", "America/Sao_Paulo", "America/Sao_Paulo is UTC-03:00"),
    ("0 9-17 * * *", "Europe/Berlin", "Europe/Berlin is UTC+01:00 or +02:00"),
    ("*/5 * * * *", "Asia/Kolkata", "Asia/Kolkata is UTC+05:30"),
]


@pytest.mark.parametrize("cron, zone, words", ZONES)
def test_a_plain_schedule_beside_a_zone_is_a_warning_that_shows_both_times(cron: str, zone: str, words: str) -> None:
    """A plain cron expression is in UTC; who writes a zone may think otherwise."""
    (line,) = checked(check_schedule, f"{{schedule: '{cron}', timezone: {zone}}}", year=2026)
    assert "warning" in line
    assert words in line
    assert f"{{cron: '{cron}', timezone: {zone}}}" in line


@pytest.mark.parametrize(
    "text",
    [
        "{schedule: '0 18 * * *'}",
        "{schedule: '0 18 * * *', timezone: UTC}",
        "{schedule: '0 18 * * *', timezone: Etc/UTC}",
        "{schedule: {cron: '0 18 * * *'}, timezone: Asia/Singapore}",
        "{schedule: '*/5 * * * *', timezone: Asia/Singapore}",
        "{schedule: '0 18 * * *', timezone: Nowhere}",
        "{schedule: 'a b', timezone: Asia/Singapore}",
        "{catchup: true, start_date: 2026-01-01}",
        "{catchup: false}",
    ],
)
def test_a_schedule_that_means_what_it_says_is_no_warning(text: str) -> None:
    """Where both zones give the same times there is nothing to tell."""
    assert checked(check_schedule, text) == []


GOOD = [
    'headers: {Authorization: "Bearer ${TOKEN}"}\n',
    'headers: {X-Api-Key: "{{ run.id }}"}\n',
    "variables: {token: ''}\n",
    "variables: {price: '$${NAME}'}\n",
    "description: set ${API_KEY} first\n",
    "api_base: https://${HOST}/v1\n",
    "allow_hosts: [api.example.com, 'localhost:8080', '[::1]:80']\n",
    'monitoring: {webhook_url: "${URL}", webhook_secret: "${S}"}\n',
    "outputs: {token: inputs.token}\n",
    "inputs: {properties: {token: {type: string, description: 'as in ${X}'}}}\n",
    "services: {crm: {api_base: 'http://localhost', headers: {X: '${Y}'}, auth: {type: api_key, api_key: '${K}'}}}\n",
    "auth: {type: custom, custom_headers: {X-Token: 'Token ${T}'}}\n",
    "auth: {type: custom, header_name: X-Token, token: '${T}'}\n",
    "defaults: {headers: {X: '${Y}'}}\n",
    "groups: {g: {payload: {key: '${K}'}}}\n",
    "environments: {dev: {steps: {fetch: {enabled: '${FLAG}', query: {k: '${K}'}}}}}\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_secrets_by_name_may_stand_where_calls_are_made(text: str) -> None:
    """What is resolved by the worker when it sends is no problem."""
    lines = [line for line in said(text.replace("api_base: https://${HOST}/v1\n", "") + FETCH) if "warning" not in line]
    assert lines == []


BAD = [
    ("variables: {deep: [{password: 1234}]}\n", "literal secret"),
    ("headers: {cookie: a=b}\n", "literal secret"),
    ("services: {crm: {headers: {proxy-authorization: Basic abc}}}\n", "literal secret"),
    ("environments: {dev: {auth: {type: bearer, token: abc}}}\n", "literal secret"),
    ("groups: {g: {payload: {secret: abc}}}\n", "literal secret"),
    ("auth: {type: bearer, token: '{{ inputs.token }}'}\n", "literal secret"),
    ("environments: {dev: {variables: {x: '${K}'}}}\n", "may not stand here"),
    ("defaults: {condition: '${K}'}\n", "may not stand here"),
    ("defaults: {type: transform, payload: '${K}'}\n", "may not stand here"),
    ("services: {crm: {timeout: 3s, connection: '${K}'}}\n", "may not stand here"),
    ("monitoring: {webhook_url: 'https://x.example.com', alerts: {on_long_duration: '${K}'}}\n", "may not stand here"),
    ("inputs: {properties: {a: {default: '${K}'}}}\n", "may not stand here"),
    ("services: {crm: {auth: {type: basic, username: '{{ inputs.u }}', password: '${P}'}}}\n", "not a template"),
    ("environments: {dev: {allow_hosts: ['{{ inputs.h }}']}}\n", "not a template"),
    ("defaults: {endpoint: 'https://me:pw@x.example.com/'}\n", "credentials in a URL"),
    ("defaults: {endpoint: '/x?page=1&API_KEY=abc'}\n", "literal secret"),
]


@pytest.mark.parametrize("text, words", BAD)
def test_secrets_may_not_stand_elsewhere(text: str, words: str) -> None:
    """Nor may they be written out, anywhere in a file."""
    assert any(words in line for line in said(text + FETCH))


@pytest.mark.parametrize("query", ["token=${T}", "token={{ inputs.t }}", "token={t}", "token=", "tokens=a", "x=token"])
def test_an_endpoint_whose_query_holds_no_secret_is_good(query: str) -> None:
    """Only what is written out is one."""
    good(f"steps: [{{name: a, endpoint: '/x?{query}'}}]\n")


def test_the_workflow_of_good_secrets_is_there() -> None:
    """A warning does not keep a workflow from being loaded."""
    assert good("headers: {X: '${Y}'}\n" + FETCH).workflow is not None
