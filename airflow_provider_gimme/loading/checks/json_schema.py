"""JSON Schemas, checked where they are written (JSON Schema 2020-12, core and validation).

Our own, small table rather than a validator's meta-schema: it marks the very place, tells near misses, and costs no
import that takes longer than all the rest of a check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from airflow_provider_gimme.config.expect import Expect
from airflow_provider_gimme.config.suggestions import did_you_mean
from airflow_provider_gimme.loading.excerpts import got
from airflow_provider_gimme.loading.nodes import Mapping, Node, Scalar, Sequence
from airflow_provider_gimme.loading.report import Report, child
from airflow_provider_gimme.loading.walk import Visit

__all__ = ["KEYWORDS", "check_bodies", "check_schema"]

_TYPES = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_SCHEMA = frozenset(
    [
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    ]
)
_SCHEMAS_BY_NAME = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
_SCHEMAS_IN_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NUMBERS = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"})
_COUNTS = frozenset(
    ["maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength", "minProperties"]
)
_TEXTS = frozenset(
    [
        "$anchor",
        "$comment",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$ref",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "description",
        "format",
        "pattern",
        "title",
    ]
)
_FLAGS = frozenset({"deprecated", "readOnly", "uniqueItems", "writeOnly"})
_LISTS = frozenset({"enum", "examples", "required"})
_FREE = frozenset({"const", "default", "dependentRequired", "type", "$vocabulary"})
KEYWORDS = _SCHEMA | _SCHEMAS_BY_NAME | _SCHEMAS_IN_LIST | _NUMBERS | _COUNTS | _TEXTS | _FLAGS | _LISTS | _FREE


def check_bodies(visits: Iterable[Visit], report: Report) -> None:
    """Check the schema of every ``expect``."""
    for visit in visits:
        if visit.model is not Expect or visit.path[-1] != "schema":
            continue
        if isinstance(visit.node, Mapping) and visit.node.entries and KEYWORDS.isdisjoint(visit.node.entries):
            report.add(visit.node, "no JSON Schema: none of its keys is a keyword. Write 'type', or 'properties'.")
        elif isinstance(visit.node, Mapping):
            check_schema(visit.node, "the schema", report)


def check_schema(schema: Mapping, name: str, report: Report) -> None:
    """Check a schema and all below it; ``name`` is what it is called in a message."""
    for one in _schemas(schema, report):
        _check_schema(one, schema, name, report)


def _schemas(node: Node, report: Report) -> Iterator[Mapping]:
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            yield node
            stack.extend(_below(node, report))
        elif not (isinstance(node, Scalar) and isinstance(node.value, bool)):
            report.add(node, f"not a JSON Schema{got(node)}. Write a map like {{type: string}}, or true or false.")


def _below(schema: Mapping, report: Report) -> Iterator[Node]:
    for keyword, entry in schema.entries.items():
        node = entry.node
        if keyword in _SCHEMA:
            yield node
        elif keyword in _SCHEMAS_BY_NAME:
            if isinstance(node, Mapping):
                yield from (below.node for below in node.entries.values())
            else:
                report.add(node, f"'{keyword}' is not a map of schemas by name{got(node)}. Write one.")
        elif keyword in _SCHEMAS_IN_LIST:
            if isinstance(node, Sequence) and node.items:
                yield from node.items
            else:
                report.add(node, f"'{keyword}' is not a list of schemas{got(node)}. Write at least one.")


def _check_schema(schema: Mapping, root: Mapping, name: str, report: Report) -> None:
    for keyword, entry in schema.entries.items():
        node = entry.node
        wanted = next((words for keywords, test, words in _KINDS if keyword in keywords and not test(node)), None)
        if wanted is not None:
            report.add(node, f"'{keyword}' is not {wanted}{got(node)}. Write {wanted}.")
        elif keyword not in KEYWORDS and did_you_mean(keyword, KEYWORDS):
            report.warn(entry, f"JSON Schema does not know '{keyword}'.{did_you_mean(keyword, KEYWORDS)}")
    _check_type(schema, report)
    _check_reference(schema, root, name, report)


def _value(node: Node) -> Any:
    return node.value if isinstance(node, Scalar) else None


def _is_number(node: Node) -> bool:
    return isinstance(_value(node), int | float) and not isinstance(_value(node), bool)


def _is_count(node: Node) -> bool:
    return _is_number(node) and float(_value(node)).is_integer() and _value(node) >= 0


def _is_pattern(node: Node) -> bool:
    try:
        re.compile(_value(node))
    except (re.error, TypeError):
        return False
    return True


def _is_names(node: Node) -> bool:
    names = [_value(item) for item in node.items] if isinstance(node, Sequence) else [None]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


_KINDS: tuple[tuple[frozenset[str], Callable[[Node], bool], str], ...] = (
    (_NUMBERS, _is_number, "a number"),
    (_COUNTS, _is_count, "a whole number from 0"),
    (frozenset({"pattern"}), _is_pattern, "a regular expression"),
    (_TEXTS, lambda node: isinstance(_value(node), str), "text"),
    (_FLAGS, lambda node: isinstance(_value(node), bool), "true or false"),
    (frozenset({"required"}), _is_names, "a list of names, each once"),
    (_LISTS, lambda node: isinstance(node, Sequence), "a list"),
    (frozenset({"dependentRequired"}), lambda node: isinstance(node, Mapping), "a map of lists of names"),
)


def _check_type(schema: Mapping, report: Report) -> None:
    written = schema.get("type")
    if written is None:
        return
    names = written.items if isinstance(written, Sequence) else [written]
    for name in names:
        if _value(name) not in _TYPES:
            near = did_you_mean(str(_value(name)), _TYPES)
            report.add(name, f"unknown type{got(name)}.{near} Write one of {', '.join(_TYPES)}.")
    default = schema.get("default")
    kinds = tuple(kind for name in names for kind in _TYPES.get(str(_value(name)), (object,)))
    if default is not None and not _fits(default, kinds):
        words = " or ".join(str(_value(name)) for name in names)
        report.add(default, f"the default is not of type {words}{got(default)}. Correct one of the two.")


def _fits(node: Node, kinds: tuple[type, ...]) -> bool:
    if isinstance(node, Scalar):
        value = node.value
        if isinstance(value, bool):
            return bool in kinds or object in kinds
        return isinstance(value, kinds) or (isinstance(value, float) and int in kinds and value.is_integer())
    return (dict if isinstance(node, Mapping) else list) in kinds or object in kinds


def _check_reference(schema: Mapping, root: Mapping, name: str, report: Report) -> None:
    node = schema.get("$ref")
    target = _value(node) if node is not None else None
    if node is None or not isinstance(target, str):
        return
    if not target.startswith("#"):
        report.add(node, "a reference to another document. Nothing is fetched: write the schema under '$defs'.")
    elif target.startswith("#/") and not _resolves(target, root):
        report.add(node, f"there is no such place in {name}{got(node)}. Write one like '#/$defs/name'.")


def _resolves(pointer: str, root: Mapping) -> bool:
    node: Node | None = root
    for part in pointer[2:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901 - RFC 6901 §4
        node = child(node, int(part) if isinstance(node, Sequence) and part.isdecimal() else part)
    return node is not None
