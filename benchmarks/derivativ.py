"""Derivativ's nightly workflow beside the same Dag written by hand, of ``HttpOperator`` tasks: on a running Airflow.

Six topics side by side, three documents of their questions, one call that stores them. Both call the same stand-in of
the API. The Dag by hand is there twice: with these calls alone, and with a webhook and a last check at its end, as ours
has them. The runs of all three take turns; the median counts, for what a run waits for is mostly Airflow's own pace.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks.rows import Row
from benchmarks.site import Site, running
from tests.standins import StandIn

__all__ = ["SLOWER", "measure", "measure_on"]

SLOWER = 1.05
"""How many times as long as the Dag by hand."""

_BY_HAND = Path(__file__).with_name("derivativ_by_hand.py")
_TOPICS = ("algebra", "geometry", "statistics", "trigonometry", "probability", "calculus")
_DOCUMENTS = {"worksheet": "detail_level: medium", "answer_key": "include_solutions: true"}
_DOCUMENTS |= {"teaching_notes": "include_pedagogy: true"}
_HEAD = """
name: bench_derivativ
api_base: BASE
auth: {type: bearer, token: "${DERIVATIV_API_KEY}"}
monitoring: {webhook_url: BASE/webhooks/workflow_complete, alerts: {on_success: true}}
steps:
"""
_TOPIC = """
  - name: generate_TOPIC_questions
    parallel_group: question_generation
    endpoint: /api/questions/generate
    retry: {limit: 3, delay: 10s, timeout: 5m}
    payload: {topic: TOPIC, count: 8, grade_level: 9, quality_threshold: 0.75}
"""
_DOCUMENT = """
  - name: create_KIND
    endpoint: /api/documents/generate
    depends_on: [question_generation]
    retry: {limit: 2, delay: 5s, timeout: 10m}
    payload: {document_type: KIND, question_ids: "{{ collect_question_ids(steps.question_generation) }}", OPTION}
"""
_STORE = """
  - name: store_documents
    endpoint: /api/documents/store
    retry: {limit: 2, delay: 5s, timeout: 10m}
    payload:
      create_dual_versions: true
      documents:
        - {id: "{{ steps.create_worksheet.document_id }}", type: worksheet, formats: [pdf, docx, html]}
        - {id: "{{ steps.create_answer_key.document_id }}", type: answer_key, formats: [pdf, docx]}
        - {id: "{{ steps.create_teaching_notes.document_id }}", type: teaching_notes, formats: [pdf, html]}
"""


def measure() -> list[Row]:
    """Return the rows of this figure."""
    with StandIn() as api, running({"DERIVATIV_API_KEY": api.token}) as site:
        return measure_on(site, api)


def measure_on(site: Site, api: StandIn, rounds: int = 7) -> list[Row]:
    """Return the rows of this figure, each of the median of so many ``rounds``."""
    _connect(site, api)
    by_hand = _BY_HAND.read_text(encoding="utf-8")
    site.add_workflow("bench_derivativ", _workflow(api.url))
    for name in ("bench_by_hand", "bench_by_hand_with_end"):
        site.add_dag(name, f"{by_hand}\n\ndag = build({name!r}, with_end={name.endswith('_end')})\n")
    names = ("bench_derivativ", "bench_by_hand", "bench_by_hand_with_end")
    for name in names:
        site.run(name)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            run = site.run(name)
            runs[name].append((run.seconds_to_the_end_of("store_documents"), run.seconds))
    (steps, whole), (rival_steps, _), (_, rival_whole) = (
        (median(each) for each in zip(*runs[name], strict=True)) for name in names
    )
    return [
        _row("from queued to the end of the last step, beside a Dag of HttpOperators", steps, rival_steps),
        _row("from queued to success, beside one with a webhook and a last check", whole, rival_whole),
    ]


def _row(what: str, seconds: float, rival: float) -> Row:
    return Row(f"Derivativ, {what}", "ms", seconds * 1000, rival * 1000, target=SLOWER * rival * 1000)


def _workflow(base: str) -> str:
    topics = (_TOPIC.replace("TOPIC", topic) for topic in _TOPICS)
    documents = (_DOCUMENT.replace("KIND", kind).replace("OPTION", option) for kind, option in _DOCUMENTS.items())
    return "".join((_HEAD.replace("BASE", base), *topics, *documents, _STORE))


def _connect(site: Site, api: StandIn) -> None:
    """Give the Dag by hand its connection, with the token where an ``HttpOperator`` finds it at once."""
    address = urlsplit(api.url)
    site.airflow.post(
        "connections",
        {
            "connection_id": "bench_derivativ",
            "conn_type": "http",
            "host": address.hostname,
            "port": address.port,
            "extra": f'{{"Authorization": "Bearer {api.token}"}}',
        },
    )
