"""``gimme reference``: the reference of the workflow language, made from its models."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from airflow_provider_gimme.config.descriptions import descriptions
from airflow_provider_gimme.config.scalars import format_duration

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from airflow_provider_gimme.config.base import Config

__all__ = ["reference", "run"]

_HEADER = """\
# The workflow language: reference

This page is made from the models (`make docs`); edit those. The meanings that span several keys are told in
[language.md](language.md), and an editor reads the same models as a JSON
Schema, [workflow.schema.json](workflow.schema.json):

```yaml
# yaml-language-server: $schema=workflow.schema.json
```
"""


def run(_options: Namespace) -> int:
    """Print the reference as Markdown."""
    print(reference(), end="")
    return 0


def reference() -> str:
    """Return the reference of every map that a workflow file, or one beside it, may hold, as Markdown."""
    return _HEADER + "".join(f"\n{section}" for section in _sections())


def _sections() -> Iterator[str]:
    from airflow_provider_gimme.config import auth, monitoring, provider, retry, schedule, workflow
    from airflow_provider_gimme.config.call import Call, Idempotency
    from airflow_provider_gimme.config.compensation import Compensation
    from airflow_provider_gimme.config.expect import Expect
    from airflow_provider_gimme.config.fallback import Fallback
    from airflow_provider_gimme.config.for_each import ForEach
    from airflow_provider_gimme.config.paginate import Paginate
    from airflow_provider_gimme.config.schema import SchemaFile
    from airflow_provider_gimme.config.step import Step
    from airflow_provider_gimme.config.step_union import step_config
    from airflow_provider_gimme.steps import step_types

    yield _section("The workflow", workflow.Workflow)
    yield _section("Every step", Step)
    for name in step_types():
        yield _section(f"A step of `type: {name}`", step_config(name), without=Step.model_fields)
    yield _section("`retry`", retry.Retry)
    yield _section("`idempotency`", Idempotency)
    yield _section("`expect`", Expect)
    yield _section("`fallback[]`: the keys of a call, and", Fallback, without=Call.model_fields)
    yield _section("`compensation`: the keys of a call, and", Compensation, without=Call.model_fields)
    yield _section("`paginate`", Paginate)
    yield _section("`for_each`", ForEach)
    for model in get_args(get_args(auth.Auth)[0]):
        yield _section(
            f"`auth` of `type: {get_args(model.model_fields['type'].annotation)[0]}`", model, without={"type"}
        )
    yield _section("`auth.login` of `type: session`", auth.Login)
    yield _section("`services.<name>`", workflow.Service)
    yield _section("`schedule` by cron", schedule.CronSchedule)
    yield _section("`schedule` by interval", schedule.EverySchedule)
    yield _section("`monitoring`", monitoring.Monitoring)
    yield _section("`monitoring.alerts`", monitoring.Alerts)
    yield _section("A file of `schemas/`", SchemaFile)
    yield _section("A file of `providers/`", provider.ProviderFile)
    yield _section("`provider`", provider.ProviderInfo)
    yield _section("`workflows[]`", provider.Binding)
    yield _section("`workflows[].triggers[]`", provider.Trigger)
    yield _section("`workflows[].triggers[].conditions[]`", provider.Condition)


def _section(title: str, model: type[Config], *, without: Iterable[str] = ()) -> str:
    told = descriptions(model)
    rows = [_row(name, field, told.get(name, "")) for name, field in model.model_fields.items() if name not in without]
    table = (
        "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *rows]) if rows else "It takes no keys."
    )
    return f"## {title}\n\n{_first_line(model)}\n\n{table}\n"


def _first_line(model: type[Config]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _row(name: str, field: FieldInfo, meaning: str) -> str:
    default = "required" if field.is_required() else _default(field.default)
    cells = (f"`{field.alias or name}`", _kind(field.annotation), default, meaning)
    return f"| {' | '.join(_cell(text) for text in cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


def _default(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    return "" if hasattr(value, "model_dump") else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _kind(annotation: Any) -> str:
    """Tell in words what a key takes."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value) if not isinstance(value, str) else value}`" for value in arguments)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in {Union, UnionType}:
        kinds = [_kind(argument) for argument in arguments if argument is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    if origin in {dict, Mapping}:
        return "map" if arguments[1] is Any else f"map of {_kind(arguments[1])}"
    names = {
        str: "text",
        int: "integer",
        float: "number",
        bool: "`true`, `false`",
        timedelta: "duration",
        datetime: "date",
        Any: "any",
    }
    return names.get(annotation, "step" if getattr(annotation, "__name__", "") == "Step" else "map")
