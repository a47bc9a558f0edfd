"""Run a stand-in by hand: ``python -m tests.standins derivativ --port 8787``. Ctrl-C ends it.

The first line of its output is JSON: ``url``, ``token``, ``webhook_secret`` and the ``environment`` that points
workflows at it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys

from tests.standins.content import Content
from tests.standins.derivativ import Derivativ
from tests.standins.granulator import Granulator
from tests.standins.hello import Hello
from tests.standins.kam import Kam
from tests.standins.memmie import Core, Studio
from tests.standins.orchestrator import Orchestrator
from tests.standins.server import serve
from tests.standins.system import System
from tests.standins.webhooks import new_secret

SYSTEMS: dict[str, type[System]] = {
    system.name: system for system in (Content, Core, Derivativ, Granulator, Hello, Kam, Orchestrator, Studio)
}
"""The services there are, by name."""


def parse_arguments() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins", description=__doc__)
    parser.add_argument("system", choices=sorted(SYSTEMS))
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; 0 (the default) takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    parser.add_argument("--token", default=os.environ.get("STANDIN_TOKEN"), help="the bearer token it accepts")
    parser.add_argument("--webhook-secret", default=os.environ.get("STANDIN_WEBHOOK_SECRET"), help="whsec_…")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a setting of the service")
    parser.add_argument("--with-stdin", action="store_true", help="end when standard input ends")
    return parser.parse_args()


async def run(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes, or standard input ends where that was asked for."""
    system = SYSTEMS[arguments.system](
        arguments.token or "standin-" + secrets.token_urlsafe(18), arguments.webhook_secret or new_secret()
    )
    system.configure({name: json.loads(value) for name, _, value in (each.partition("=") for each in arguments.set)})
    async with serve(system, arguments.port, arguments.host) as url:
        print(json.dumps(describe(system, url)), flush=True)  # noqa: T201 - it is a command
        await until_ended(with_stdin=arguments.with_stdin)


def describe(system: System, url: str) -> dict[str, object]:
    """Return what whoever wants to call the system has to know."""
    return {
        "url": url,
        "token": system.token,
        "webhook_secret": system.webhook_secret,
        "environment": system.environment(url),
    }


async def until_ended(*, with_stdin: bool) -> None:
    """Wait for SIGINT or SIGTERM, or for the end of standard input: then whoever started us is gone."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, ended.set)
    if with_stdin:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(run(parse_arguments()))
