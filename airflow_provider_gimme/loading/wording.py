"""What a model finds wrong with a value, in plain words: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.loading.excerpts import got
from airflow_provider_gimme.loading.nodes import Mapping, Node, Scalar

__all__ = ["WANTED", "describe", "join_or", "key_of_others", "key_of_place", "meant_key", "not_wanted", "unknown_key"]

WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
"""What is wanted, by pydantic's name of the error."""

_HOW = {
    "text": "Write text.",
    "true or false": "Write true or false, without quotes.",
    "a whole number": "Write one like 3, without quotes.",
    "a number": "Write one like 1.5, without quotes.",
    "a list": "Write its items as '- item' lines or as [a, b].",
    "a map": "Write 'key: value' lines below it.",
}

_MEANT = {
    "url": "endpoint",
    "path": "endpoint",
    "uri": "endpoint",
    "body": "payload",
    "data": "payload",
    "json": "payload",
    "params": "query",
    "verb": "method",
    "needs": "depends_on",
    "after": "depends_on",
    "when": "condition",
    "if": "condition",
    "cron": "schedule",
    "env": "environments",
    "base_url": "api_base",
    "base": "api_base",
    "group": "parallel_group",
    "attempts": "max_attempts",
    "transform": "response_transform",
    "tasks": "steps",
    "jobs": "steps",
    "vars": "variables",
    "title": "name",
    "webhook": "webhook_url",
    "tz": "timezone",
    "zone": "timezone",
    "on_error": "on_failure",
    "max_retries": "limit",
    "concurrency": "max_parallel",
    "list": "items",
    "value": "payload",
    "seconds": "for",
    "duration": "for",
}
"""Words of other tools for keys of ours."""


_MOST_KEYS = 12
"""Keys of a map up to which they are listed where something else stands in its place."""

_YAML = {"True": "true", "False": "false"}


def meant_key(key: str, known: Collection[str]) -> str | None:
    """Return the key that other tools' word for it stands for, where it is known here."""
    word = key.lower().replace("-", "_")
    meant = word if word in known else _MEANT.get(word, "limit" if word == "retries" else "")
    return meant if meant in known else None


def unknown_key(key: str, known: frozenset[str], where: str = "this map") -> str:
    """Say that a key is unknown, and which was meant or which there are."""
    meant = meant_key(key, known)
    near = did_you_mean(key, known) if meant is None else f" Did you mean '{meant}'?"
    return f"unknown key '{key[:60]}'.{near or f' Known keys of {where}: {_listed(known)}.'}"


def key_of_others(key: str, where: str, types: list[str]) -> str:
    """Say that only other types of step have a key, and which."""
    return f"unknown key '{key}' in {where}; one of type {join_or(types)} has it. Write that 'type', or remove the key."


def key_of_place(key: str, belongs: str) -> str:
    """Say that a key stands in the wrong map, and where it belongs."""
    return f"unknown key '{key[:60]}'. {belongs[:1].upper()}{belongs[1:]}."


def _listed(known: frozenset[str]) -> str:
    return ", ".join(sorted(known))


def not_wanted(node: Node, wanted: list[str], *, keys: frozenset[str] = frozenset(), types: Sequence[str] = ()) -> str:
    """Say that a value is of the wrong kind; ``wanted`` are the kinds that would do.

    ``keys`` are those of a map here, ``types`` what its ``type`` may be.
    """
    if isinstance(node, Scalar) and node.value is None:
        return f"the value is missing, {join_or(wanted)} is wanted. Write it, or remove the key."
    how = _HOW[wanted[0]] if len(wanted) == 1 else f"Write {join_or(wanted)}."
    if "a map" in wanted and types:
        how += f" Its 'type' is {join_or(list(types))}."
    elif "a map" in wanted and 0 < len(keys) <= _MOST_KEYS:
        how += f" Keys: {_listed(keys)}."
    return f"not {join_or(wanted)}{got(node)}. {how}"


def join_or(words: list[str]) -> str:
    """Return ``a``, ``a or b``, ``a, b or c``."""
    each = [part for word in words for part in word.split(" or ")]
    return " or ".join(part for part in (", ".join(each[:-1]), each[-1]) if part)


def describe(error: Any, node: Node, types: tuple[str, ...] = ()) -> str:
    """Say what is wrong with a value that is of the right kind; ``error`` is one of pydantic's, without input.

    ``types`` are what the ``type`` of a map may be at this place.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _wrong_type(node, list(types))
    if kind == "literal_error":
        return _not_one_of(
            node, [_YAML.get(word, word.strip("'")) for word in context["expected"].replace(" or ", ", ").split(", ")]
        )
    if kind == "value_error":
        return _with_value(str(context["error"]), node)
    if kind == "too_short":
        return "the list is empty. Write at least one item."
    limits = {"greater_than_equal": ("small", "least", "ge"), "less_than_equal": ("large", "most", "le")}
    if kind in limits:
        size, bound, name = limits[kind]
        return f"too {size}{got(node)}. The {bound} is {context[name]:,}."
    return _with_value(f"{error['msg'][:1].lower()}{error['msg'][1:]}", node)


def _with_value(message: str, node: Node) -> str:
    what, stop, way_out = message.partition(". ")
    shown = "" if isinstance(node, Mapping) else got(node)
    return f"{what.rstrip('.')}{shown}.{stop and ' '}{way_out}"


def _not_one_of(node: Node, words: list[str]) -> str:
    written = node.source if isinstance(node, Scalar) else ""
    return f"unknown value{got(node)}.{did_you_mean(written, words)} Write {join_or(words)}."


def _wrong_type(node: Node, words: list[str]) -> str:
    if not isinstance(node, Mapping):
        return not_wanted(node, ["a map"], types=words)
    kind, written = node.get("type"), node.text("type")
    if kind is not None and written is None:
        return f"unknown type{got(kind)}. Write {join_or(words)}."
    if written is None:
        return f"'type' is missing. Write {join_or(words)}."
    return f"unknown type '{written[:60]}'.{did_you_mean(written, words)} Write {join_or(words)}."
