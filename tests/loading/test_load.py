from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.config import STEP_LIMIT
from airflow_provider_gimme.config.scalars import SourceFloat, SourceInt
from airflow_provider_gimme.loading import Loaded, load_text

HEAD = "name: orders\napi_base: https://api.example.com\n"
SCHEDULED = "schedule: 0 18 * * *\ntimezone: Asia/Singapore\ninputs: {properties: {a: {type: string}}}\n"
FETCH = "steps:\n  - name: fetch\n    endpoint: /orders\n"


def load(text: str, environment: str | None = None) -> Loaded:
    """Load a text that has a head and perhaps steps of its own."""
    return load_text(HEAD + text, "orders.yaml", environment=environment)


def good(text: str, environment: str | None = None) -> Loaded:
    """Load a text without problems."""
    loaded = load(text, environment)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded


def said(text: str, environment: str | None = None) -> list[str]:
    """Return the problems of a text as they are printed, without the file's name."""
    return [str(problem).removeprefix("orders.yaml:") for problem in load(text, environment).problems]


def test_a_file_becomes_a_workflow() -> None:
    """The least a file needs is a name and a step."""
    workflow = good(FETCH).workflow
    assert workflow is not None
    assert workflow.dag_id == "orders"
    assert workflow.steps[0].task_id == "fetch"


def test_text_keys_get_the_text_that_was_written() -> None:
    """``version: 1.10`` is "1.10", and a header of digits keeps its zeros."""
    workflow = good("version: 1.10\nheaders: {X-Zip: 00501, X-On: yes, X-Flag: true}\n" + FETCH).workflow
    assert workflow is not None
    assert workflow.version == "1.10"
    assert workflow.headers == {"X-Zip": "00501", "X-On": "yes", "X-Flag": "true"}


def test_numbers_that_remember_their_text_can_be_copied_and_pickled() -> None:
    """They travel with a workflow."""
    for number in (SourceInt(7, "007"), SourceFloat(1.1, "1.10")):
        for twin in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):  # noqa: S301 - our own bytes
            assert (twin, twin.source, type(twin)) == (number, number.source, type(number))


def test_the_stated_example_gives_the_stated_message() -> None:
    """The message of the style guide, to the letter."""
    text = "name: orders\nsteps:\n  - name: fetch\n    retires: 3\n"
    assert [str(problem) for problem in load_text(text, "orders.yaml").problems] == [
        "orders.yaml:4:5: steps[0] 'fetch': unknown key 'retires'. Did you mean 'retry'?"
    ]


STEPS = """steps:
  - name: fetch
    endpoint: /orders
    service: crm
    parallel_group: load
    timeout: 1m
  - name: store
    endpoint: /store
    service: crm
    parallel_group: load
  - name: send
    endpoint: /send
    service: crm
  - name: compute
    type: transform
    payload: 1
"""
LAYERS = """services: {crm: {timeout: 3m, retry: {limit: 3, delay: 3s}}}
groups: {load: {max_parallel: 2, description: Loading, timeout_seconds: 120, retry: {limit: 2}}}
defaults: {timeout: 4m, retry: {max_attempts: 5, backoff: linear}, headers: {X-A: a}}
"""


def test_the_nearest_wins_step_group_service_defaults() -> None:
    """Each layer only gives what no nearer one has."""
    workflow = good(LAYERS + STEPS).workflow
    assert workflow is not None
    limits = [step.limit for step in workflow.steps]
    assert limits == [timedelta(minutes=minutes) for minutes in (1, 2, 3, 4)]
    retries = [step.retry for step in workflow.steps if hasattr(step, "retry")]
    assert [(retry.retries, retry.first_delay.seconds, retry.backoff) for retry in retries if retry] == [
        (2, 3, "linear"),
        (2, 3, "linear"),
        (3, 3, "linear"),
    ]


def test_a_default_that_a_step_type_does_not_have_is_not_applied() -> None:
    """A ``retry`` for all is none for a transform; a group's own keys stay the group's."""
    workflow = good(LAYERS + STEPS).workflow
    assert workflow is not None
    assert not hasattr(workflow.steps[3], "retry")
    assert [(step.max_parallel, step.description) for step in workflow.steps] == [(None, "")] * 4


def test_a_default_type_and_a_default_group_are_looked_at_first() -> None:
    """What a step is decides which defaults it takes."""
    text = (
        "defaults: {type: transform, parallel_group: g, payload: 1}\ngroups: {g: {timeout: 1m}}\nsteps: [{name: a}]\n"
    )
    workflow = good(text).workflow
    assert workflow is not None
    assert (workflow.steps[0].parallel_group, workflow.steps[0].timeout) == ("g", timedelta(minutes=1))


def test_a_default_max_parallel_is_for_members_of_groups() -> None:
    """Where there is no group there is nothing to bound."""
    text = "defaults: {max_parallel: 2}\nsteps: [{name: a, parallel_group: g, endpoint: /}, {name: b, endpoint: /}]\n"
    workflow = good(text).workflow
    assert workflow is not None
    assert [step.max_parallel for step in workflow.steps] == [2, None]


ENVIRONMENTS = """environments:
  dev:
    api_base: http://localhost:8000
    steps: {fetch: {timeout: 5s}}
  test:
    steps: [{name: fetch, timeout: 6s, method: POST}]
"""


@pytest.mark.parametrize(
    "environment, base, seconds", [(None, "https", None), ("dev", "http:", 5), ("test", "https", 6)]
)
def test_an_environment_is_merged_over_the_file(environment: str | None, base: str, seconds: int | None) -> None:
    """``steps`` are found by name, in a map or in a list."""
    workflow = good(FETCH + ENVIRONMENTS, environment).workflow
    assert workflow is not None
    assert (workflow.api_base or "").startswith(base)
    assert workflow.steps[0].limit == (None if seconds is None else timedelta(seconds=seconds))
    assert workflow.steps[0].display_name == "fetch"


def test_a_file_without_environments_is_the_same_in_all_of_them() -> None:
    """One ``GIMME_ENV`` is set for many files, of which some need no overlay."""
    assert good(FETCH, "prod").workflow is not None


def test_an_unknown_environment_is_a_problem_that_lists_the_known() -> None:
    """Nothing runs with the wrong settings by a slip of the pen."""
    assert said(FETCH + ENVIRONMENTS, "tst") == [
        "7:3: environments: unknown environment 'tst'. Did you mean 'test'? Environments of this file: dev, test."
    ]


def test_a_broken_overlay_is_told_although_another_is_chosen() -> None:
    """All problems of a file are told at once."""
    text = FETCH + "environments: {dev: {timeout: soon}, prod: {timeout: 1m}, odd: 3}\n"
    assert [line.split(": ")[1] for line in said(text, "prod")] == ["environments.dev.timeout", "environments.odd"]


def test_a_problem_in_defaults_is_told_once_and_where_it_was_written() -> None:
    """Not once for each step that takes it."""
    text = "defaults: {retry: {limt: 3}}\nsteps: [{name: a, endpoint: /}, {name: b, endpoint: /}]\n"
    assert said(text) == ["3:20: defaults.retry: unknown key 'limt'. Did you mean 'limit'?"]


def test_a_problem_can_be_placed_where_a_merged_value_was_written() -> None:
    """Who plans a workflow speaks of steps; the message points to ``defaults``."""
    loaded = good("defaults:\n  pool: big\n" + FETCH)
    problem = loaded.at(("steps", 0, "pool"), "no such pool.")
    assert str(problem) == "orders.yaml:4:9: defaults.pool: no such pool."


def test_a_problem_in_a_text_is_placed_in_its_line() -> None:
    """Lines within a block count from the line after its ``|``."""
    loaded = good(FETCH + "    payload_template: |\n      {\n        bad\n      }\n")
    problem = loaded.at(("steps", 0, "payload_template"), "bad.", line_offset=1, severity="warning")
    assert str(problem) == "orders.yaml:8:9: warning: steps[0] 'fetch'.payload_template: bad."


def test_a_place_that_is_not_written_is_the_nearest_around_it() -> None:
    """A default has no line of its own."""
    loaded = good(FETCH)
    assert str(loaded.at(("steps", 0, "retry", "limit"), "x")) == "orders.yaml:4:5: steps[0] 'fetch'.retry.limit: x"
    assert str(load_text("", "f").at(("steps",), "x")) == "f:1:1: steps: x"


def test_too_many_steps_are_one_problem() -> None:
    """The limit is named, and nothing else is said about them."""
    text = "steps:\n" + "  - {name: x}\n" * (STEP_LIMIT + 1)
    lines = said(text)
    assert "4:3: steps: 10,001 steps. A workflow has at most 10,000; split it." in lines


def test_defaults_that_would_fill_the_memory_are_a_problem() -> None:
    """A large default for many steps is stopped before it is merged."""
    text = f"defaults: {{description: {'x' * 100_000}}}\nsteps:\n" + "  - {name: x}\n" * 600
    assert any("come to more than 50,000,000 characters" in line for line in said(text))


def test_what_stands_at_a_wrong_place_does_not_stop_the_checks() -> None:
    """Any key may hold anything; all of it is told, nothing is raised."""
    for key in ("steps", "defaults", "groups", "services", "environments", "inputs", "variables", "schedule", "auth"):
        for value in ("3", "text", "[1, {a: b}]", "{a: 1, b: [c]}", "null", "true"):
            loaded = load_text(f"name: x\n{key}: {value}\n", "f", environment="a")
            assert loaded.workflow is None
            assert loaded.problems


EVERYTHING = (
    HEAD
    + LAYERS
    + ENVIRONMENTS
    + """schedule: {cron: '0 1 * * *', timezone: UTC}
inputs: {type: object, required: [a], properties: {a: {type: string, default: x}}}
auth: {type: bearer, token: '${T}'}
monitoring: {webhook_url: https://x.example.com, alerts: {on_long_duration: 3m}}
pools: {big: 3}
"""
    + STEPS
    + "    condition: true\n"
    + "  - {name: last, retry: {on: [503]}, idempotency: {header: X}, expect: {status: [200, 2xx]}, query: {a: b}}\n"
)

odd_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["", "a b", "type", "${X}", "{{ x", "$.a"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "name", "x y", "on"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.data())
def test_anything_at_any_place_gives_problems_rather_than_an_exception(data: st.DataObject) -> None:
    """A file with any of its values replaced by another is read to its end, by the same words for the same file."""
    document = yaml.safe_load(EVERYTHING)
    place = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(odd_values)
    text = json.dumps(document)
    loaded = load_text(text, "f", environment="dev")
    assert loaded.workflow is not None or loaded.problems
    assert load_text(text, "f", environment="dev").problems == loaded.problems


def test_a_literal_secret_is_in_no_message_even_where_it_stands_elsewhere_too() -> None:
    """An alias of a secret at a wrong place does not show it."""
    lines = said("auth: {type: bearer, token: &t hunter2xyz}\ntimeout: *t\ntimezone: hunter2xyz\n" + FETCH)
    assert len(lines) == 3
    assert not any("hunter2" in line for line in lines)


def test_reading_needs_nothing_heavy() -> None:
    """A check of files starts quickly, so what it does not need is not imported."""
    code = (
        "import sys\nfrom airflow_provider_gimme.loading import load_text\n"
        f"assert load_text({HEAD + SCHEDULED + FETCH!r}, 'f').workflow\n"
        "heavy = {'jsonschema', 'croniter', 'jinja2', 'jsonpath_rfc9535', 'aiohttp', 'airflow'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == ""


def test_a_file_of_nine_steps_is_read_in_a_few_milliseconds() -> None:
    """1,000 files are checked in seconds. The bound is generous, as machines are busy."""
    step = (
        "  - name: s{}\n    endpoint: /q\n    method: POST\n    retry: {{limit: 3, delay: 5s}}\n    payload: {{n: 1}}\n"
    )
    text = HEAD + "steps:\n" + "".join(step.format(number) for number in range(9))
    load_text(text, "f")
    start = time.process_time()
    for _ in range(20):
        load_text(text, "f")
    assert (time.process_time() - start) / 20 < 0.02


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            "schedule: {every: 15m, timezone: UTC}\n",
            "3:24: schedule: unknown key 'timezone'. Known keys of this map: every.",
        ),
        (
            "schedule: {map: 1, cron: 0 1 * * *}\n",
            "3:12: schedule: unknown key 'map'. Known keys of this map: cron, timezone.",
        ),
        (
            "auth: {type: bearer, bearer: a, token: '${T}'}\n",
            "3:22: auth: unknown key 'bearer'. Known keys of this map: token, type.",
        ),
        ("auth: {type: api_key, api_key: '${K}', in: body}\n", "3:44: auth.in: unknown value. Write header or query."),
    ],
)
def test_a_key_that_has_the_name_of_its_maps_kind_is_a_key(text: str, expected: str) -> None:
    """What is wrong is told where it stands, also where a key is called like the kind of map that it is in."""
    assert said(text + FETCH) == [expected]


def test_a_schedule_of_no_known_kind_names_its_unknown_keys() -> None:
    """A map that is neither a cron expression nor an interval says which keys there are."""
    assert said("schedule: {assets: [a]}\n" + FETCH) == [
        "3:11: schedule: 'cron' or 'every' is missing. Write it.",
        "3:12: schedule: unknown key 'assets'. Known keys of this map: cron, every, timezone.",
    ]
