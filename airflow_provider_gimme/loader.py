"""Load the workflow files that lie in Airflow's Dags folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from airflow_provider_gimme.build import build_broken, build_workflow
from airflow_provider_gimme.bundles.binding import binding_problems, bindings_near
from airflow_provider_gimme.bundles.checking import problems_of
from airflow_provider_gimme.bundles.folder import SourceFile, read_folder, read_providers
from airflow_provider_gimme.bundles.ids import duplicate_id, likely_id, writes_id

__all__ = ["load_workflows"]


def load_workflows(folder: str, namespace: dict[str, object]) -> None:
    """Put a Dag for each workflow file in ``folder`` and below into ``namespace``, the ``globals()`` of a Dag file.

    A relative folder starts at the Dag file; a worker builds only the Dag that it runs. A broken file is a Dag tagged
    ``broken``: an import error would stop all. Only WorkflowBundle keeps runs on versions, Dags on good texts.
    """
    root, wanted = Path(str(namespace["__file__"])).parent / folder, get_parsing_context().dag_id
    sources = read_folder(root, "Give load_workflows a folder, from here on.")
    dags = _build([each for each in sources if writes_id(each, wanted)], (), wanted) if wanted else {}
    dags = dags if wanted in dags else _build(sources, read_providers(root))
    namespace.update({f"dag_{dag_id}": dag for dag_id, dag in dags.items()})


def _build(sources: Iterable[SourceFile], events: Iterable[SourceFile], wanted: str | None = None) -> dict[str, DAG]:
    """Build Dags by id until the ``wanted`` one is there; those of broken files get ids that are left."""
    dags, broken, files = dict[str, DAG](), {}, dict[str, str]()
    for source in sources:
        near, overlay, bound = source.surroundings, os.environ.get("GIMME_ENV"), bindings_near(events, source.path)
        try:
            dag = build_workflow(source.read(), file=source.path, environment=overlay, bindings=bound, around=near)
        except Exception as error:  # noqa: BLE001 (one file, whatever is wrong with it, must not stop the others)
            broken[source] = problems_of(error, source.path)
            continue
        if (other := files.setdefault(dag.dag_id, source.path)) != source.path:
            broken[source] = (duplicate_id(source, dag.dag_id, other),)
        elif dags.setdefault(dag.dag_id, dag).dag_id == wanted:
            return dags
    for source, problems in (broken | binding_problems(events, files)).items():
        dag_id = likely_id(source, dags)
        dags[dag_id] = build_broken(dag_id, problems, source.path)
    return dags
