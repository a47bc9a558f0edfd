"""From text to a tree of values with marks: strict YAML 1.2, and JSON, which is YAML.

Built from the parser's events rather than from its nodes, so that a hostile document is stopped where it begins to
be one: aliases are counted before they are expanded, and no depth of nesting reaches the stack.
"""

from __future__ import annotations

from typing import Any, NoReturn

import yaml

from airflow_provider_gimme.loading.nodes import Entry, Mapping, Node, Path, Scalar, Sequence
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.scalars import resolve
from airflow_provider_gimme.loading.syntax import explain

__all__ = ["MAX_ALIASED", "MAX_DEPTH", "parse"]

MAX_ALIASED = 1_000_000
"""The most characters that the aliases of a file may stand for."""

MAX_DEPTH = 100
"""The deepest nesting."""

_A_WORKFLOW = "a workflow: 'name' and 'steps'"
_TAG_PREFIX = "tag:yaml.org,2002:"
_TAGS = {None, "!", *(_TAG_PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))}
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Stop(Exception):  # noqa: N818 - not an error: the problem is reported, nothing more can be read
    """End the reading."""


def parse(
    text: str, report: Report, parser: Any = _Parser, *, start: Path = (), wanted: str | None = _A_WORKFLOW
) -> Node | None:
    """Return the document of a text, None where there is none; what is wrong goes into ``report``.

    ``start`` is the path of the root. ``wanted`` says what an empty file should hold; with None it may be empty.
    """
    events = parser(text)
    builder = _Builder(report, start)
    try:
        while not builder.feed(events.get_event()):
            pass
    except yaml.YAMLError as error:
        explain(error, text, report)
        return None
    except _Stop:
        return None
    finally:
        report.root = builder.root
        events.dispose()
    if builder.root is None or (isinstance(builder.root, Scalar) and builder.root.value is None):
        if wanted is not None:
            report.add_at(1, 1, f"the file is empty. Write {wanted} at least.")
        return None
    return builder.root


class _Frame:
    """A list or a map that is not yet complete."""

    __slots__ = ("anchor", "key", "merge_mark", "merged", "node")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: tuple[str, int, int] | None = None
        self.merged: list[Node] | None = None
        self.merge_mark: Any = None


class _Builder:
    """Put together a tree from events."""

    def __init__(self, report: Report, start: Path) -> None:
        self.report = report
        self.start = start
        self.root: Node | None = None
        self.documents = 0
        self.stack: list[_Frame] = []
        self.anchors: dict[str, Node] = {}
        self.aliased = 0

    def feed(self, event: Any) -> bool:
        """Take one event; return True after the last."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open(event, Mapping)
        elif kind is yaml.SequenceStartEvent:
            self._open(event, Sequence)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._document(event)
        return kind is yaml.StreamEndEvent

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            mark = event.start_mark
            self._stop(mark, "a second document begins here. Write one workflow per file; remove the '---'.")

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        mark = event.start_mark
        quoted = bool(event.style)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and type(frame.node) is Mapping:
            self._key(frame, text, mark, quoted=quoted)
            if event.anchor is not None:
                self.anchors[event.anchor] = Scalar(mark.line + 1, mark.column + 1, self._path(), text, text)
            return
        value: Any = text
        tag = event.tag
        if tag is not None:
            self._check_tag(event)
            quoted = tag in {"!", _TAG_PREFIX + "str"}
        if not quoted:
            try:
                value = resolve(text)
            except ValueError as error:
                self._report(mark, str(error))
        node = Scalar(mark.line + 1, mark.column + 1, self._path(), value, text, block=event.style in {"|", ">"})
        self._anchor(event.anchor, node)
        self._put(node)
        if frame is not None:
            frame.node.size += node.size

    def _key(self, frame: _Frame, text: str, mark: Any, *, quoted: bool) -> None:
        entries = frame.node.entries  # type: ignore[attr-defined]
        if not quoted and text == "<<":
            if frame.merged is None:
                frame.merged, frame.merge_mark = [], mark
            else:
                self._report(mark, "a second '<<'. Write one with a list: '<<: [*a, *b]'.", self._here())
        elif not quoted and not text:
            self._report(mark, "a key is missing before ':'. Write one.", self._here())
        elif text in entries:
            first = entries[text].line
            self._report(mark, f"key '{text[:60]}' is written twice (first in line {first}). Remove one.", self._here())
        frame.key = (text, mark.line + 1, mark.column + 1)

    def _open(self, event: Any, kind: type[Mapping | Sequence]) -> None:
        mark = event.start_mark
        if len(self.stack) >= MAX_DEPTH:
            self._stop(mark, f"the values are nested more than {MAX_DEPTH} deep. Flatten them.")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and type(frame.node) is Mapping:
            self._stop(
                mark, "a map or a list cannot be a key. Text that begins with '{' or '[' needs quotes.", self._here()
            )
        self._check_tag(event)
        node = kind(mark.line + 1, mark.column + 1, self._path())
        self._put(node)
        self.stack.append(_Frame(node, event.anchor))

    def _close(self) -> None:
        frame = self.stack.pop()
        node = frame.node
        if frame.merged and isinstance(node, Mapping):
            self._merge(node, frame.merged, frame.merge_mark)
        self._anchor(frame.anchor, node)
        if self.stack:
            self.stack[-1].node.size += node.size

    def _alias(self, event: Any) -> None:
        name, mark = event.anchor, event.start_mark
        frame = self.stack[-1] if self.stack else None
        node = self._anchored(name, mark)
        self.aliased += node.size
        if self.aliased > MAX_ALIASED:
            self._stop(mark, f"the file's aliases expand past {MAX_ALIASED:,} characters. Use fewer or smaller ones.")
        if frame is not None and frame.key is None and type(frame.node) is Mapping:
            if not isinstance(node, Scalar):
                self._stop(mark, "a map or a list cannot be a key. Write a text.", self._here())
            self._key(frame, node.source, mark, quoted=True)
            return
        self._put(node)
        if frame is not None:
            frame.node.size += node.size

    def _anchored(self, name: str, mark: Any) -> Node:
        node = self.anchors.get(name)
        if any(frame.anchor == name for frame in self.stack):
            self._stop(mark, f"alias '*{name[:60]}' stands inside its own anchor. Move it out.")
        if node is None:
            known = f" Anchors: {', '.join(sorted(self.anchors)[:20])}." if self.anchors else ""
            self._stop(
                mark, f"alias '*{name[:60]}' has no anchor before it.{known} Put text that begins with '*' in quotes."
            )
        return node

    def _put(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        parent = frame.node
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif isinstance(parent, Mapping) and frame.key is not None:
            text, line, column = frame.key
            frame.key = None
            if frame.merged is not None and text == "<<":
                frame.merged.append(node)
            elif text not in parent.entries:
                parent.size += len(text)
                parent.entries[text] = Entry(line, column, (*parent.path, text), node)

    def _merge(self, node: Mapping, sources: list[Node], mark: Any) -> None:
        for source in sources:
            for one in source.items if isinstance(source, Sequence) else [source]:
                if not isinstance(one, Mapping):
                    self._report(mark, "'<<' takes in a map, or a list of maps. Write '<<: *anchor'.", node.path)
                    continue
                for key, entry in one.entries.items():
                    node.entries.setdefault(key, entry)

    def _anchor(self, name: str | None, node: Node) -> None:
        if name is not None:
            self.anchors[name] = node

    def _check_tag(self, event: Any) -> None:
        if event.tag not in _TAGS:
            tag = event.tag.replace(_TAG_PREFIX, "!!")[:60]
            self._report(event.start_mark, f"unknown tag '{tag}'. Remove it; put text that begins with '!' in quotes.")

    def _here(self) -> Path:
        return self.stack[-1].node.path if self.stack else self.start

    def _path(self) -> Path:
        if not self.stack:
            return self.start
        frame = self.stack[-1]
        node = frame.node
        if isinstance(node, Sequence):
            return (*node.path, len(node.items))
        return node.path if frame.key is None else (*node.path, frame.key[0])

    def _report(self, mark: Any, message: str, path: Path | None = None) -> None:
        self.report.add_at(mark.line + 1, mark.column + 1, message, self._path() if path is None else path)

    def _stop(self, mark: Any, message: str, path: Path | None = None) -> NoReturn:
        self._report(mark, message, path)
        raise _Stop
