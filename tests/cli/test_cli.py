"""The command line, as a person meets it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_gimme.cli.main import main

GOOD = """
name: orders
schedule: "0 18 * * *"
timezone: Asia/Singapore
api_base: https://api.example/v1
auth: {type: bearer, token: "${ORDERS_KEY}"}
steps:
  - {name: fetch, endpoint: /orders, query: {day: "{{ inputs.day }}"}}
  - {name: report, endpoint: /reports, payload: {count: "{{ steps.fetch | length }}"}}
"""

BAD = GOOD.replace("query:", "qeury:").replace("steps.fetch", "steps.fetsh")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good and a bad workflow, and files that are none."""
    (tmp_path / "orders.yaml").write_text(GOOD)
    (tmp_path / "bad.yml").write_text(BAD.replace("name: orders", "name: bad"))
    (tmp_path / "_defaults.txt").write_text("not a workflow")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "x.yaml").write_text("id: x\ndefinition: {type: object}\n")
    return tmp_path


def test_validate_is_silent_on_good_files_but_for_the_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good file costs one line on standard error and exit status 0."""
    assert main(["validate", str(folder / "orders.yaml")]) == 0
    out = capsys.readouterr()
    assert out.err == "1 file, 0 problems, 1 warning\n"
    assert "warning" in out.out


def test_validate_tells_every_problem_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The good file beside does not hide the bad one, and schemas are not workflows."""
    assert main(["validate", str(folder)]) == 1
    out = capsys.readouterr()
    assert "bad.yml:8:38: steps[0] 'fetch': unknown key 'qeury'. Did you mean 'query'?" in out.out
    assert out.err.startswith("3 files, ")


def test_validate_checks_what_lies_around_workflows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Schemas and defaults of folders are checked with the folder or by their names, and told once for all users."""
    (folder / "schemas" / "x.yaml").write_text("id: x\ndefinition: {type: objct}\n")
    (folder / "_defaults.yaml").write_text("tiemout: 1m\n")
    (folder / "bad.yml").write_text(GOOD.replace("name: orders", "name: other\ninput_schema_id: x"))
    assert main(["validate", str(folder)]) == 1
    out = capsys.readouterr()
    schema, defaults = folder / "schemas" / "x.yaml", folder / "_defaults.yaml"
    assert out.out.count(f"{schema}:2:20: definition.type: unknown type (got 'objct').") == 1
    assert out.out.count(f"{defaults}:1:1: unknown key 'tiemout'. Did you mean 'timeout'?") == 1
    assert out.err == "4 files, 2 problems, 2 warnings\n"
    for path in (schema, defaults):
        assert main(["validate", str(path)]) == 1
        assert capsys.readouterr().err == "1 file, 1 problem, 0 warnings\n"
    assert main(["validate", str(folder / "schemas" / "gone.yaml")]) == 2
    assert "gone.yaml: No such file" in capsys.readouterr().err


def test_plan_and_render_read_what_lies_around(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The defaults of the folder and the schema's defaults are in the request, and the plan names both files."""
    schema = "{type: object, properties: {day: {type: string, default: monday}}}"
    (folder / "schemas" / "x.yaml").write_text(f"id: x\ndefinition: {schema}\n")
    (folder / "_defaults.yaml").write_text("headers: {X-By: folder}\n")
    (folder / "orders.yaml").write_text(GOOD.replace('schedule: "0 18 * * *"', "input_schema_id: x"))
    assert main(["plan", str(folder / "orders.yaml")]) == 0
    assert f"  with {folder / '_defaults.yaml'}\n  with {folder / 'schemas' / 'x.yaml'}\n" in capsys.readouterr().out
    assert main(["render", str(folder / "orders.yaml"), "fetch"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "GET https://api.example/v1/orders?day=monday"
    assert "X-By: folder" in out


def test_validate_refuses_two_workflows_of_one_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two files cannot be one Dag."""
    (folder / "bad.yml").write_text(GOOD)
    assert main(["validate", str(folder)]) == 1
    assert "the workflow's name 'orders' is taken by" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["gone.yaml", "empty"])
def test_a_path_without_workflows_is_a_wrong_call(
    tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checking nothing must not look like success."""
    (tmp_path / "empty").mkdir()
    assert main(["validate", str(tmp_path / path)]) == 2
    assert path in capsys.readouterr().err


def test_plan_shows_phases_and_both_clocks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two in the morning in Singapore is six in the evening in UTC, and the plan says both."""
    assert main(["plan", str(folder / "orders.yaml")]) == 0
    out = capsys.readouterr().out
    assert "Phase 2\n  report  after fetch" in out
    assert "Critical path, one try each: 20m" in out
    runs = out.partition("Next runs (Asia/Singapore, UTC)\n")[2].splitlines()
    assert len(runs) == 5
    assert all("02:00:00 +08" in run and "18:00:00 UTC" in run for run in runs)


def test_plan_shows_the_clock_of_the_schedule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where only the schedule has a zone, its times are shown there."""
    text = GOOD.replace("timezone: Asia/Singapore\n", "")
    schedule = "{cron: '0 2 * * *', timezone: Asia/Singapore}"
    (folder / "orders.yaml").write_text(text.replace('"0 18 * * *"', schedule))
    assert main(["plan", str(folder / "orders.yaml")]) == 0
    runs = capsys.readouterr().out.partition("Next runs (Asia/Singapore, UTC)\n")[2].splitlines()
    assert len(runs) == 5
    assert all("02:00:00 +08" in run and "18:00:00 UTC" in run for run in runs)


def test_a_reader_may_stop_reading() -> None:
    """Output into ``head`` ends without a word on standard error."""
    command = [sys.executable, "-m", "airflow_provider_gimme.cli.main", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_a_file_that_is_not_there_is_told_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name of the file comes first; no number of an error."""
    assert main(["validate", str(folder / "none.yaml")]) == 2
    assert capsys.readouterr().err == f"gimme validate: {folder / 'none.yaml'}: No such file or directory\n"


@pytest.mark.parametrize(
    "auth,line",
    [
        ("{type: session, login: {endpoint: /login}, token: $.token, header: X-Session}", "X-Session: <token>"),
        ('{type: oauth2, token_url: /token, client_id: me, client_secret: "${S}"}', "Authorization: Bearer <token>"),
        (
            '{type: oauth2, token_url: "${IDP}/t", client_id: me, client_secret: "${S}"}',
            "Authorization: Bearer <token>",
        ),
        ('{type: hmac, secret: "${S}", sign: "{body}", header: X-Signature}', "X-Signature: <signature>"),
        ('{type: basic, username: me, password: "${S}"}', "Authorization: Basic "),
        ('{type: custom, header_name: X-Own, token: "${S}"}', "X-Own: $S"),
    ],
)
def test_render_shows_a_call_to_a_base_that_a_secret_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], auth: str, line: str
) -> None:
    """What lies under the base, such as a login, lies under one that only the worker knows."""
    (tmp_path / "w.yaml").write_text(
        f'name: w\napi_base: "${{BASE}}"\nauth: {auth}\nsteps: [{{name: a, endpoint: /a, payload: {{x: 1}}}}]\n'
    )
    assert main(["render", str(tmp_path / "w.yaml"), "a"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "POST $BASE/a"
    assert [each for each in told if each.startswith(line)], told


def test_render_without_data_says_what_could_be_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A step that reads earlier ones cannot be shown without them."""
    assert main(["render", str(folder / "orders.yaml"), "report"]) == 2
    assert "Without --data there are no inputs" in capsys.readouterr().err


def test_what_render_misses_and_what_to_give_are_two_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hint names the option, and stands behind a full stop."""
    steps = "steps: [{name: a, endpoint: /a}, {name: b, endpoint: '/b/{{ steps.a.id }}'}]\n"
    (tmp_path / "w.yaml").write_text(f"name: w\napi_base: https://api.example.com\n{steps}")
    assert main(["render", str(tmp_path / "w.yaml"), "b"]) == 2
    told = capsys.readouterr().err
    assert "after it. Without --data" in told
    assert told.endswith("name it: --data FILE.\n")


def test_render_shows_the_request_with_secrets_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What would be sent is shown whole, but for the secret's value."""
    data = folder / "_data.yaml"
    data.write_text("inputs: {day: 2026-01-31}\nsteps: {fetch: [{}, {}]}\n")
    assert main(["render", str(folder / "orders.yaml"), "fetch", "--data", str(data)]) == 0
    first = capsys.readouterr().out
    assert first.splitlines()[0] == "GET https://api.example/v1/orders?day=2026-01-31"
    assert "Authorization: Bearer $ORDERS_KEY" in first
    assert main(["render", str(folder / "orders.yaml"), "report", "--data", str(data)]) == 0
    second = capsys.readouterr().out
    assert json.loads(second.partition("\n\n")[2]) == {"count": 2}
    assert "Idempotency-Key: " in second


def test_render_shows_the_first_call_of_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A step that calls for each item of a list is shown with its first one."""
    step = "{name: a, endpoint: '/o/{{ item[1] }}', for_each: {items: inputs.all, batch_size: 2}, query: {n: 1}}"
    (tmp_path / "w.yaml").write_text(f"name: w\napi_base: https://api.example\nsteps:\n  - {step}\n")
    (tmp_path / "_data.yaml").write_text("inputs: {all: [1, 2, 3]}")
    command = ["render", str(tmp_path / "w.yaml"), "a", "--data", str(tmp_path / "_data.yaml")]
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("GET https://api.example/o/2?n=1\n")
    (tmp_path / "_data.yaml").write_text("inputs: {all: []}")
    assert main(command) == 2
    assert "there is no first item to show" in capsys.readouterr().err


@pytest.mark.parametrize(
    "step, data, message",
    [
        ("fetsh", "", "no step is called 'fetsh'. Did you mean 'fetch'?"),
        ("fetch", "steps: {fetsh: 1}", "no step is called 'fetsh'. Did you mean 'fetch'?"),
        ("fetch", "stpes: {}", "write a map with 'inputs' and 'steps'"),
        ("fetch", "", "day"),
    ],
)
def test_render_says_what_is_missing(
    folder: Path, step: str, data: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong name, a wrong file and a missing input are told, not guessed."""
    file = folder / "_data.yaml"
    file.write_text(data)
    assert main(["render", str(folder / "orders.yaml"), step, "--data", str(file)]) == 2
    assert message in capsys.readouterr().err


def test_the_schema_is_json_schema_of_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    """Editors get what the models know: every key of a step, with its description."""
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "api_base" in schema["properties"]
    assert "payload_template" in json.dumps(schema)


def test_pages_made_from_the_models_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever changes a model runs ``make docs``."""
    docs = Path(__file__).parents[2] / "docs"
    main(["reference"])
    assert (docs / "reference.md").read_text() == capsys.readouterr().out
    main(["schema"])
    assert (docs / "workflow.schema.json").read_text() == capsys.readouterr().out


def test_validate_loads_no_airflow_and_no_http_client(folder: Path) -> None:
    """Checking a file must be quick, so what it does not need is not imported."""
    code = (
        "import sys; from airflow_provider_gimme.cli.main import main; main(['validate', sys.argv[1]]);"
        "heavy = {'airflow', 'aiohttp', 'jsonschema'} & set(sys.modules); sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "orders.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def cpu_seconds(*command: str) -> float:
    """Return the CPU time of a command; all its modules are compiled, as those of an installed package are."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def test_validate_starts_quickly(folder: Path) -> None:
    """Checking a file takes some 2.5 times the import of pydantic alone: under 0.3 s where that takes 0.1 s.

    On a machine with other things to do the larger one loses more: half a time is left for that.
    """
    validate = (sys.executable, "-m", "airflow_provider_gimme.cli.main", "validate", str(folder / "orders.yaml"))
    imported = (sys.executable, "-c", "from pydantic import BaseModel, Field")
    times = [
        (cpu_seconds(*validate), cpu_seconds(*imported)) for _ in range(5)
    ]  # in turn: the machine has slow moments
    gimme, pydantic = (min(column) for column in zip(*times, strict=True))
    assert gimme < 3.5 * pydantic, f"{gimme:.3f} s against {pydantic:.3f} s"


def test_render_shows_what_a_run_would_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Defaults of the inputs are given as in a run, and so is the header that names it."""
    text = "name: w\napi_base: https://api.example\ninputs: {properties: {n: {type: integer, default: 4}}}\nsteps:\n"
    (tmp_path / "w.yaml").write_text(text + "  - {name: a, endpoint: '/x/{n}'}\n")
    assert main(["render", str(tmp_path / "w.yaml"), "a"]) == 0
    out = capsys.readouterr().out
    assert "GET https://api.example/x/4\n" in out
    assert "X-Workflow-Instance: manual__render\n" in out


@pytest.mark.parametrize(
    "auth,shown",
    [
        ("{type: oauth2, token_url: /token, client_id: me, client_secret: '${S}'}", "Authorization: Bearer <token>"),
        ("{type: session, login: {endpoint: /in}, token: $.t, header: X-S}", "X-S: <token>"),
        (
            "{type: hmac, secret: '${S}', secret_encoding: hex, sign: '{body}', format: 'v={signature}'}",
            "X-Signature: v=<",
        ),
        ("{type: aws_sigv4, region: r, service: s, access_key: a, secret_key: '${S}'}", "Signature=<signature>"),
    ],
)
@pytest.mark.parametrize("base", ["api_base: https://api.example", "connection: shop"])
def test_render_asks_nobody_for_a_token_and_signs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], auth: str, shown: str, base: str
) -> None:
    """What only a run can know stands in angle brackets."""
    (tmp_path / "w.yaml").write_text(f"name: w\n{base}\nauth: {auth}\nsteps: [{{name: a, endpoint: /x}}]\n")
    assert main(["render", str(tmp_path / "w.yaml"), "a"]) == 0
    assert shown in capsys.readouterr().out


def test_render_shows_the_submit_of_a_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What follows it depends on its answer."""
    file = tmp_path / "jobs.yaml"
    job = 'job: {id: $.id, poll: {endpoint: "/jobs/{{ job.id }}"}, done_when: $.over, fail_when: $.failed}'
    step = f"{{name: a, type: job, endpoint: /jobs, payload: {{n: 1}}, {job}}}"
    file.write_text(f"name: jobs\napi_base: http://api.test/v1\nsteps:\n  - {step}\n")
    main(["render", str(file), "a"])
    assert "POST http://api.test/v1/jobs" in capsys.readouterr().out
