"""The items of a fan-out, read one after the other, each with what tells it from the others."""

from __future__ import annotations

import asyncio
import codecs
import csv
import io
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.plan.saved import is_saved

if TYPE_CHECKING:
    from airflow_provider_gimme.hooks.storage import Storage

__all__ = ["Items", "Unit", "Units", "json_values"]

_BLOCK = 256
"""How many items of a file are read at once."""

_CHARACTERS = 16_384
_ENCODE = msgspec.json.Encoder(order="sorted", enc_hook=str).encode
_ENCODE_ODD = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=str).encode
_TYPES = {
    "application/x-ndjson": "lines",
    "application/jsonl": "lines",
    "application/json": "array",
    "text/csv": "csv",
}
_ENDINGS = {"jsonl": "lines", "ndjson": "lines", "json": "array", "csv": "csv"}


@dataclass(frozen=True, slots=True)
class Unit:
    """What one call is for: an item, or a batch of them."""

    number: int
    """Its place among the units, from 0."""
    index: int
    """The place of its (first) item in the list, from 0."""
    count: int
    """How many items it has."""
    value: Any
    """The item, or the list of a batch's items."""
    id: str
    """What tells it from the others, also in another list: its key, else its place and a hash of its content."""


class Units:
    """The units that wait for a worker; more are read when they are used up."""

    def __init__(self, blocks: AsyncIterator[list[Unit]]) -> None:
        self._blocks, self._reading = blocks, asyncio.Lock()
        self._waiting: deque[Unit] = deque()

    def take(self) -> Unit | None:
        """Return the next one, None where none is read."""
        return self._waiting.popleft() if self._waiting else None

    async def wait(self) -> Unit | None:
        """Return the next one, None after the last."""
        async with self._reading:
            while not self._waiting and (block := await anext(self._blocks, None)) is not None:
                self._waiting.extend(block)
            return self.take()


class Items:
    """The items of a list, or of a saved file, which is read as it is needed.

    ``total`` is how many there are, where that is known before all are read.
    """

    def __init__(self, value: Any, storage: Storage, batch_size: int | None = None) -> None:
        """Take a list, or the reference to a file of JSON lines, CSV or a JSON array.

        :raises StepError: where the value is neither.
        """
        self._value, self._storage, self._batch_size = value, storage, batch_size
        self._saved = is_saved(value)
        if not self._saved and not isinstance(value, list):
            raise StepError(
                f"'for_each' needs a list, or the reference to a saved one, not {_kind(value)}. Write an expression "
                "that yields a list, like inputs.orders."
            )
        if self._saved:
            self._reader = _reader(value)
        self.total: int | None = value.get("items") if self._saved else len(value)

    async def blocks(self, key: Callable[[int, Any], str] | None = None) -> AsyncGenerator[list[Unit], None]:
        """Read all items from the first one on, some at a time; ``key`` gives the key of an item, by its index.

        :raises StepError: where the file cannot be read, or is not what it says it is.
        """
        number, index = 0, 0
        found = self._values()
        values = found if self._batch_size is None else _batches(found, self._batch_size)
        while block := await asyncio.to_thread(_next, values) if self._saved else _next(values):
            units = []
            for value in block:
                count = len(value) if self._batch_size is not None else 1
                told = f"{index}.{_hash(value)}" if key is None else key(index, value)
                units.append(Unit(number, index, count, value, told))
                number, index = number + 1, index + count
            yield units
            await asyncio.sleep(0)

    def _values(self) -> Iterator[Any]:
        return iter(self._value) if not self._saved else self._reader(self._storage, self._value)


def _next(units: Iterator[Any]) -> list[Any]:
    return list(islice(units, _BLOCK))


def _batches(values: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(islice(values, size)):
        yield batch


def _hash(value: Any) -> str:
    try:
        encoded = _ENCODE(value)
    except (TypeError, ValueError, RecursionError):
        encoded = _ENCODE_ODD(value).encode()
    return sha256(encoded).hexdigest()[:16]


def _reader(reference: Mapping[str, Any]) -> Callable[[Storage, Mapping[str, Any]], Iterator[Any]]:
    media_type, path = str(reference.get("media_type")), str(reference["path"])
    kind = _TYPES.get(media_type) or _ENDINGS.get(path.rpartition(".")[2].lower())
    if kind is None:
        raise StepError(
            f"'for_each' cannot tell the items of the saved file '{path}' ({media_type}): it reads JSON lines, CSV and "
            "JSON arrays. Save it under a name that ends with .jsonl, .csv or .json."
        )
    return {"lines": _lines, "csv": _rows, "array": _array}[kind]


def _lines(storage: Storage, reference: Mapping[str, Any]) -> Iterator[Any]:
    return storage.lines(reference)


def _rows(storage: Storage, reference: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each row as an object by the names of the header line; all values are text."""
    with storage.open(reference) as opened:
        text = io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")
        try:
            for number, row in enumerate(csv.DictReader(text), start=1):
                if None in row or None in row.values():
                    raise StepError(
                        f"row {number} of the saved file '{reference['path']}' has not as many cells as its header line"
                    )
                yield row
        except (csv.Error, UnicodeDecodeError) as error:
            raise StepError(f"the saved file '{reference['path']}' is no CSV in UTF-8: {error}") from None


def _array(storage: Storage, reference: Mapping[str, Any]) -> Iterator[Any]:
    with storage.open(reference) as opened:
        try:
            yield from json_values(opened)
        except (ValueError, RecursionError) as error:
            reason = str(error) or "it is nested too deep"
        else:
            return
    raise StepError(f"the saved file '{reference['path']}' is no JSON array: {reason}")


def json_values(opened: BinaryIO, characters: int = _CHARACTERS) -> Iterator[Any]:
    """Yield the values of a JSON array, in the memory of the largest one; ``characters`` are read at once.

    :raises ValueError: where it is no JSON array.
    """
    texts = codecs.iterdecode(iter(lambda: opened.read(characters), b""), "utf-8-sig")
    text = _skip("", texts)
    if not text.startswith("["):
        raise ValueError("it does not begin with '['")
    text = _skip(text[1:], texts)
    while not text.startswith("]"):
        value, text = _value(text, texts)
        yield value
        text = _skip(text, texts)
        if text.startswith(","):
            text = _skip(text[1:], texts)
            if text.startswith("]"):
                raise ValueError("there is no value after the last ','")
        elif not text.startswith("]"):
            raise ValueError("there is neither ',' nor ']' after a value")
    if _skip(text[1:], texts):
        raise ValueError("something follows its end")


_DECODE = json.JSONDecoder().raw_decode
_SPACE = " \t\r\n"


def _skip(text: str, texts: Iterable[str]) -> str:
    """Return the text from its next character that is no space on; empty at the end."""
    text = text.lstrip(_SPACE)
    for more in texts if not text else ():
        text = more.lstrip(_SPACE)
        if text:
            break
    return text


def _value(text: str, texts: Iterator[str]) -> tuple[Any, str]:
    """Return the value that the text begins with, and the rest."""
    while True:
        try:
            value, end = _DECODE(text)
            if end < len(text):  # else a number may go on
                return value, text[end:]
            problem = ValueError("it does not end")
        except ValueError as error:
            problem = error
        more = "".join(islice(texts, max(1, len(text) // _CHARACTERS)))
        if not more:
            raise problem
        text += more


def _kind(value: Any) -> str:
    names = {type(None): "null", dict: "an object", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)
