"""What the provider tells Airflow about itself, by the entry point ``apache_airflow_provider``."""

from __future__ import annotations

from typing import Any

from airflow_provider_gimme.steps import step_types

__all__ = ["get_provider_info"]

_INTEGRATION = "Gimme"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as Airflow's ``provider_info.schema.json`` wants it.

    Airflow asks every process for it, so it is data alone and nothing heavy is imported for it.
    """
    return {
        "package-name": "airflow-provider-gimme",
        "name": "Gimme",
        "description": "Orchestrate any REST API from a YAML file: one file is one workflow is one Dag.",
        "integrations": [{"integration-name": _INTEGRATION, "tags": ["protocol", "software"]}],
        "operators": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [f"airflow_provider_gimme.steps.{name}.operator" for name in step_types()],
            }
        ],
        "bundles": [{"integration-name": _INTEGRATION, "python-modules": ["airflow_provider_gimme.bundles"]}],
        "config": {"gimme": {"description": "Settings of the workflows.", "options": _OPTIONS}},
    }


def _option(description: str, *, example: str | None = None, default: str = "", **more: Any) -> dict[str, Any]:
    told = {"description": description, "version_added": "0.1.0", "type": "string"}
    return {**told, "example": example, "default": default, **more}


_OPTIONS = {
    "allow_addresses": _option(
        "Link-local addresses (169.254.0.0/16, fe80::/10) and addresses of a cloud's metadata that calls may\n"
        "go to all the same: addresses and networks, separated by commas. Without it no name, redirect or\n"
        "link leads a call there.\n",
        example="169.254.20.0/24, fe80::/10",
    ),
    "allowed_operators": _option(
        "The operators of Airflow that a step of ``type: operator`` may run: full paths of classes, separated by\n"
        "commas, with ``*`` for parts of them. What an operator can do, whoever writes a workflow can do.\n",
        example="airflow.providers.amazon.aws.operators.s3.*",
    ),
    "event_subjects": _option(
        "Names for events, as provider files use them: a JSON object from name to the event's type, or to a list of\n"
        "types; ``*`` is one part between dots, a last ``>`` all that follow. A type is always its own name.\n",
        example='{"onCreate": "blob.created", "onUpdate": ["blob.updated", "blob.*.updated"]}',
    ),
    "secrets_allow": _option(
        "The names that a workflow may read as ``${NAME}``: patterns with ``*`` and ``?``, separated by\n"
        "commas; or a JSON object from folder to such patterns, where the nearest folder above a workflow's\n"
        "file counts. ``AIRFLOW_*`` and names that begin with ``_`` can never be read, whatever stands here.\n",
        example="DERIVATIV_*, WEBHOOK_SECRET",
        default="*",
    ),
    "signing_key": _option(
        "What signs the URLs that resume a waiting step: a long random text, the same for workers and API\n"
        "servers. A new one makes all URLs that were given out worthless. Without it nothing can be signed.\n",
        sensitive=True,
    ),
    "storage": _option(
        "Where ``save_to`` keeps files, as ``<storage>/<dag_id>/<path>``: a URL that ``ObjectStoragePath``\n"
        "knows, with a connection's id in front of the ``@`` where one is needed. Without it a folder\n"
        "``gimme_storage`` in Airflow's home, which all workers have to share.\n",
        example="s3://aws_default@my-bucket/gimme",
    ),
    "site_pools": _option(
        "Pools of this Airflow that a workflow may name in ``pool`` beside its own, separated by commas.\n"
        "Workflows never create or change them.\n",
        example="warehouse, slow_apis",
    ),
}
