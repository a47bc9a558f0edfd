"""A ``for_each`` beside Airflow's own way, mapped ``HttpOperator`` tasks: on a running Airflow with LocalExecutor.

Both post the same bodies to the same server, through the same connection, and keep one member of each answer. What
counts is the whole step: from the moment at which it is queued to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from benchmarks.rows import Row
from benchmarks.server import serving
from benchmarks.site import Site, running

__all__ = ["FASTER", "measure", "measure_on"]

FASTER = {200: 10.0, 1000: 40.0}
"""How many times as fast, by the number of items."""

_CONNECTION = "bench_api"

_WORKFLOW = """
name: NAME
connection: bench_api
steps:
  - name: call
    endpoint: /things
    payload: {id: "{{ item }}", kind: thing}
    for_each: {items: "range(COUNT) | list", max_parallel: 64}
    response_transform: response.body.id
"""

_DAG = """
import json

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG

with DAG("NAME", schedule=None):
    HttpOperator.partial(
        task_id="call",
        http_conn_id="bench_api",
        endpoint="/things",
        headers={"Content-Type": "application/json"},
        response_filter=lambda response: response.json()["id"],
    ).expand(data=[json.dumps({"id": number, "kind": "thing"}) for number in range(COUNT)])
"""


def measure() -> list[Row]:
    """Return the rows of this figure."""
    with serving() as base, running() as site:
        return measure_on(site, base, FASTER)


def measure_on(site: Site, base: str, faster: Mapping[int, float], rounds: int = 3) -> list[Row]:
    """Return a row for each number of items, with how many times as fast ours is to be; the best of our ``rounds``.

    The rival, which takes minutes, runs once.
    """
    address = urlsplit(base)
    connection = {"connection_id": _CONNECTION, "conn_type": "http", "host": address.hostname, "port": address.port}
    site.airflow.post("connections", connection)
    rows = []
    for count, times in faster.items():
        ours, theirs = f"bench_for_each_{count}", f"bench_mapped_{count}"
        site.add_workflow(ours, _named(_WORKFLOW, ours, count))
        site.add_dag(theirs, _named(_DAG, theirs, count))
        rival = site.run(theirs).seconds_of("call")
        value = min(site.run(ours).seconds_of("call") for _ in range(rounds))
        figure = f"{count:,} items on LocalExecutor, from queued to success, beside mapped HttpOperators"
        rows.append(Row(figure, "ms", value * 1000, rival * 1000, target=rival * 1000 / times))
    return rows


def _named(text: str, name: str, count: int) -> str:
    return text.replace("NAME", name).replace("COUNT", str(count))
