"""What an API key leaves behind on a running Airflow: nothing, whatever the API does with it."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from demo.instance import AirflowInstance
from tests.e2e.conftest import API_KEY
from tests.e2e.runs import WEBHOOK_SECRET, Run, drop, own_text, set_variable, start
from tests.standins import StandIn

pytestmark = pytest.mark.timeout(600)  # the first test waits for the runs of all

MARK = "heard-you-well"
"""What every answer holds beside the key: where this is found, the key would have been found too."""


def _base64_cores(secret: bytes) -> set[bytes]:
    """Return what Base64 of any text with the secret in it holds, wherever the secret begins in that text."""
    cores = set()
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + secret)
        core = coded[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]
        cores |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return cores


def _needles(secret: str, part: str) -> set[bytes]:
    """Return what gives a secret away; ``part`` of it looks the same raw, JSON-escaped and URL-quoted."""
    assert part in secret
    assert quote(part, safe="") == json.dumps(part).strip('"') == part
    raw = secret.encode()
    return {part.encode(), raw.hex().encode(), raw.hex().upper().encode(), *_base64_cores(raw)}


NEEDLES = _needles(API_KEY, "characters-7Qx") | _needles(WEBHOOK_SECRET, WEBHOOK_SECRET[6:30])


def _echo() -> dict[str, Any]:
    """Return an answer that repeats the key in every way."""
    basic = base64.b64encode(f"someone:{API_KEY}".encode()).decode()
    ways = {
        "raw": API_KEY,
        "bearer": f"Bearer {API_KEY}",
        "basic": f"Basic {basic}",
        "escaped": json.dumps({"key": API_KEY}).replace("/", "\\/"),
        "quoted": f"https://api.example/?key={quote(API_KEY, safe='')}",
        "partly_quoted": quote(API_KEY),
        "base64": base64.b64encode(API_KEY.encode()).decode(),
        "base64_within": base64.b64encode(f'{{"key": "{API_KEY}"}}'.encode()).decode(),
        "url_safe_base64": base64.urlsafe_b64encode(API_KEY.encode()).decode(),
        "hex": API_KEY.encode().hex(),
    }
    return {"name": MARK, "ways": ways, "list": [API_KEY], API_KEY: "as a name"}


@pytest.fixture(scope="module")
def api() -> Iterator[StandIn]:
    headers = {"X-Echo": API_KEY, "X-Quoted": quote(API_KEY, safe=""), "WWW-Authenticate": f'Bearer error="{API_KEY}"'}
    with StandIn(token=API_KEY, webhook_secret=WEBHOOK_SECRET) as started:
        started.fail("/echo/refused/*", nth=None, status=503, headers=headers, body=_echo())
        elsewhere = f"http://127.0.0.1:9/{quote(API_KEY)}?key={quote(API_KEY, safe='')}"
        started.fail("/echo/moved", nth=None, status=302, headers={**headers, "Location": elsewhere}, body=_echo())
        started.fail("/echo/cut", nth=None, status=200, headers=headers, body=_echo(), cut="body")
        started.fail("/echo/hung/*", nth=None, hang=True)
        started.fail("/echo/unread", nth=None, status=200, headers=headers, garbage=f'{{"{MARK}": "{API_KEY}')
        started.fail("/echo/*", nth=None, status=200, headers=headers, body=_echo())
        yield started


@pytest.fixture(scope="module")
def runs(airflow: AirflowInstance, workflows: Path, api: StandIn) -> dict[str, Run]:
    """Give a run that succeeded and one that failed, both ended."""
    set_variable(airflow, "DERIVATIV_WEBHOOK_SECRET", WEBHOOK_SECRET)
    names = ("secret_success", "secret_failure")
    drop(airflow, workflows, {name: own_text(name, api.url) for name in names})
    runs = {name: start(airflow, name, {"word": 'a "word"'}) for name in names}
    for run in runs.values():
        run.wait()
    return runs


def _database_cells(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every text and blob of a SQLite database, with its table and column."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        tables = [name.decode() for (name,) in connection.execute("select name from sqlite_master where type='table'")]
        for table in tables:
            cursor = connection.execute(f'select * from "{table}"')  # noqa: S608 - the database's own names
            columns = [str(column[0]) for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, bytes):
                        yield f"{table}.{column}", value


def _found(places: Iterator[tuple[str, bytes]], needles: set[bytes]) -> dict[str, str]:
    """Return where one of the needles is, with what stands around it."""
    found = {}
    for place, content in places:
        for needle in needles:
            at = content.find(needle)
            if at >= 0:
                found[place] = content[max(0, at - 60) : at + 80].decode(errors="replace")
    return found


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file below Airflow's home but its database: logs, bundles, stores."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.name.startswith("airflow.db"):
            yield str(path.relative_to(home)), path.read_bytes()


def test_the_calls_carried_the_key(runs: dict[str, Run], api: StandIn) -> None:
    """The key was sent as each step says, so there was something to hide."""
    ledger = api.ledger()
    assert runs["secret_success"].wait() == "success"
    assert ledger.to("/echo/bearer")[0].header("Authorization") == f"Bearer {API_KEY}"
    assert quote(API_KEY, safe="") in ledger.to("/echo/query")[0].target
    basic = base64.b64encode(f"someone:{API_KEY}".encode()).decode()
    assert ledger.to("/echo/login")[0].header("Authorization") == f"Basic {basic}"
    assert ledger.to("/echo/header")[0].header("X-Derivativ") == API_KEY
    assert ledger.to("/echo/header")[0].header("X-Own") == f"key {API_KEY}"
    (payload,) = [call for call in ledger.calls if call.path.startswith("/echo/payload/")]
    assert payload.json["key"] == API_KEY
    assert API_KEY in payload.path


def test_the_failing_run_met_its_failures(runs: dict[str, Run]) -> None:
    """Each step failed in its own way, and its error was told to later steps and to the end of the run."""
    run = runs["secret_failure"]
    assert run.wait() == "failed"
    errors = {name: run.xcom(name, "error")["type"] for name in ("refused", "moved", "cut", "hung", "missing")}
    assert errors == {
        "refused": "status",
        "moved": "status",
        "cut": "connect",
        "hung": "timeout",
        "missing": "secret",
    }
    assert {name: state for name, state in run.states().items() if state == "skipped"} == {
        "unread": "skipped",
        "undone": "skipped",
    }
    assert MARK in run.xcom("catch")["why"]["message"]


@pytest.mark.parametrize("name", ["secret_success", "secret_failure"])
def test_the_database_does_not_hold_the_key(airflow: AirflowInstance, runs: dict[str, Run], name: str) -> None:
    """No table has the key in any of its texts or blobs: XComs, rendered fields, state, Dags, errors."""
    assert airflow.database is not None
    held = _found(_database_cells(airflow.database), {MARK.encode(), runs[name].run_id.encode()})
    assert {"xcom.value", "dag_run.run_id"} <= set(held)
    assert _found(_database_cells(airflow.database), NEEDLES) == {}


def test_no_file_holds_the_key(airflow: AirflowInstance, runs: dict[str, Run]) -> None:
    """No log, no bundle and no store of Airflow's home has the key, in any encoding."""
    held = _found(_files(airflow.home), {MARK.encode()})
    assert any(place.startswith("logs/dag_id=secret_failure") for place in held)
    assert _found(_files(airflow.home), NEEDLES) == {}


def test_the_rendered_fields_show_the_request_without_the_key(airflow: AirflowInstance, runs: dict[str, Run]) -> None:
    """What the UI shows of a call is the request as it was sent, with stars where the key was."""
    run = runs["secret_success"]
    tasks = airflow.task_instances(run.dag_id, run.run_id)
    request = tasks["payload"]["rendered_fields"]["request"]
    assert "***" in request["url"]
    assert json.loads(request["body"]) | {"request_id": ""} == {
        "key": "***",
        "text": 'quoted "a "word""',
        "request_id": "",
    }
    assert tasks["header"]["rendered_fields"]["request"]["headers"]["X-Own"] in {"***", "key ***"}


def test_outputs_keep_all_but_the_key(runs: dict[str, Run]) -> None:
    """An answer that repeats the credentials loses them alone."""
    outputs = runs["secret_success"].xcom("result")
    for name, output in outputs.items():
        assert output["name"] == MARK, name
        assert set(output["ways"].values()) <= {
            "***",
            "Bearer ***",
            "Basic ***",
            *(value for value in output["ways"].values() if "***" in value),
        }, name
        assert output["list"] == ["***"], name
        assert output["***"] == "as a name", name


def test_the_search_finds_what_is_there() -> None:
    """The search itself knows the key in each of the ways in which an answer repeats it."""
    ways = {**_echo()["ways"], "list": _echo()["list"][0]}
    for way, text in ways.items():
        assert _found(iter([(way, str(text).encode())]), NEEDLES), way
