"""Derivativ's nightly Dag as one writes it by hand: of HttpOperators and Airflow's own templates."""

import json
from typing import Any

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG, get_current_context, task

TOPICS = ("algebra", "geometry", "statistics", "trigonometry", "probability", "calculus")
OPTIONS = {
    "worksheet": '"detail_level": "medium"',
    "answer_key": '"include_solutions": true',
    "teaching_notes": '"include_pedagogy": true',
}
FORMATS = {"worksheet": ["pdf", "docx", "html"], "answer_key": ["pdf", "docx"], "teaching_notes": ["pdf", "html"]}


def question_ids(ti: Any) -> list[str]:
    """Return the ids of all questions."""
    answers = ti.xcom_pull(task_ids=[f"generate_{topic}_questions" for topic in TOPICS])
    return [question["question_id"] for answer in answers for question in answer["questions"]]


def call(task_id: str, endpoint: str, data: str, **options: Any) -> HttpOperator:
    """Return the task of one call."""
    return HttpOperator(
        task_id=task_id,
        http_conn_id="bench_derivativ",
        endpoint=endpoint,
        data=data,
        headers={"Content-Type": "application/json"},
        response_filter=lambda response: response.json(),
        retries=3,
        **options,
    )


@task(trigger_rule="all_done")
def check() -> None:
    """Fail where a task before has failed."""
    context = get_current_context()
    ti, run_id = context["ti"], context["run_id"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[run_id])[run_id]
    failed = [name for name, state in states.items() if state in {"failed", "upstream_failed"}]
    if failed:
        raise RuntimeError(f"failed: {', '.join(failed)}")


def build(name: str, *, with_end: bool) -> DAG:
    """Return the Dag; ``with_end`` adds a webhook and a last check."""
    with DAG(name, schedule=None, user_defined_macros={"question_ids": question_ids}) as dag:
        questions = [
            call(
                f"generate_{topic}_questions",
                "/api/questions/generate",
                json.dumps({"topic": topic, "count": 8, "grade_level": 9, "quality_threshold": 0.75}),
            )
            for topic in TOPICS
        ]
        store = call("store_documents", "/api/documents/store", _stored())
        for kind, option in OPTIONS.items():
            ids = "{{ question_ids(ti) | tojson }}"
            body = f'{{"document_type": "{kind}", "question_ids": {ids}, {option}}}'
            document = call(f"create_{kind}", "/api/documents/generate", body)
            questions >> document >> store
        if with_end:
            body = '{"workflow": "{{ dag.dag_id }}", "run_id": "{{ run_id }}", "status": "ended"}'
            webhook = call("notify", "/webhooks/workflow_complete", body, trigger_rule="all_done")
            store >> webhook >> check()
    return dag


def _stored() -> str:
    documents = [
        {"id": f"{{{{ ti.xcom_pull(task_ids='create_{kind}')['document_id'] }}}}", "type": kind, "formats": formats}
        for kind, formats in FORMATS.items()
    ]
    return json.dumps({"documents": documents, "create_dual_versions": True})
