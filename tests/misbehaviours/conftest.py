"""One run per kind of call: a workflow whose steps meet one misbehaviour each, each at an address of its own."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Need
from tests.misbehaviours.kinds import Kind, Misbehaving
from tests.misbehaviours.row import RETRIES, Row
from tests.operators.conftest import Ran, airflow_db, run_text
from tests.standins.raw import Door, RawServer

__all__ = ["airflow_db"]


@dataclass(frozen=True)
class Met:
    """How a step met a misbehaviour."""

    door: Door
    ran: Ran
    log: str
    """What the log says of the calls to this door."""


RunKind = Callable[[Kind, pytest.CaptureFixture[str]], dict[str, Met]]
"""Takes a kind and what captures the log; returns how each row was met, by its name."""


@pytest.fixture(scope="session")
def server() -> Iterator[RawServer]:
    """Run the server behind all misbehaviours."""
    with RawServer() as running:
        yield running


@pytest.fixture(scope="session")
def untrusted(server: RawServer, tmp_path_factory: pytest.TempPathFactory, need: Need) -> Door:
    """Open a door that speaks TLS with a certificate that nobody vouches for."""
    import shutil

    need("openssl", shutil.which("openssl"))
    folder = tmp_path_factory.mktemp("tls")
    program = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    made = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*program.split(), *made], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return server.open(lambda _: [], context)


@pytest.fixture(scope="session")
def run_kind(request: pytest.FixtureRequest, airflow_db: Path, server: RawServer, untrusted: Door) -> RunKind:
    """Run the rows that are to be tested, all in one run; what comes of it is kept for all tests of a kind."""
    known: dict[str, dict[str, Met]] = {}
    wanted = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]

    def _run(kind: Kind, log: pytest.CaptureFixture[str]) -> dict[str, Met]:
        if kind.name not in known:
            rows = [each["row"] for each in wanted if each.get("kind") is kind]
            doors = {row.name: _open(row, kind, server, untrusted) for row in rows}
            ran = run_text(airflow_db, json.dumps(_workflow(kind, rows, doors, untrusted)))
            lines = "".join(log.readouterr()).splitlines()
            known[kind.name] = {
                name: Met(door, ran, "\n".join(line for line in lines if door.url in line))
                for name, door in doors.items()
            }
        return known[kind.name]

    return _run


def _workflow(kind: Kind, rows: list[Row], doors: dict[str, Door], untrusted: Door) -> dict[str, Any]:
    return {
        "name": f"misbehaviours_{kind.name}",
        "order": "graph",
        "allow_hosts": [untrusted.url.removeprefix("https://")],
        "services": {name: {"api_base": door.url} for name, door in doors.items()},
        "steps": [_step(row, kind) for row in rows],
    }


def _open(row: Row, kind: Kind, server: RawServer, untrusted: Door) -> Door:
    elsewhere = untrusted.url.replace("127.0.0.1", "localhost")
    door = server.open(Misbehaving(row, kind, untrusted.url, elsewhere).script)
    if not row.listens and kind.before is None:
        server.shut(door)
    return door


def _step(row: Row, kind: Kind) -> dict[str, Any]:
    retry = {"limit": RETRIES, "delay": "10ms", "timeout": "20s", **row.retry}
    return {"name": row.name, "service": row.name, "retry": retry, **kind.step(row)}
