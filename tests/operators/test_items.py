"""Items as they are read, from lists and files, and their outputs as they are kept."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import StepError
from airflow_provider_gimme.hooks.storage import Storage
from airflow_provider_gimme.operators.items import Items, Unit, json_values
from airflow_provider_gimme.operators.outputs import Outputs
from airflow_provider_gimme.operators.progress import Progress
from airflow_provider_gimme.operators.series import Series
from tests.operators.test_attempts import MemoryStore


def json_of(text: bytes, characters: int = 16_384) -> list[Any]:
    return list(json_values(io.BytesIO(text), characters))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


@given(st.lists(VALUES, max_size=5), st.integers(1, 9), st.sampled_from([None, 1]), st.booleans())
def test_an_array_is_read_piece_by_piece(
    values: list[Any],
    characters: int,
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001 - drawn
) -> None:
    """Wherever the pieces are cut, the values are those of the array."""
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    if "\\ud" in json.dumps(values) and not ascii_only:
        return
    assert json_of(text, characters) == values


@pytest.mark.parametrize("text", [b"", b"{}", b"[1", b"[1,]", b"[1 2]", b"[1] 2", b"[x]", b'["a]', b"[,1]"])
def test_what_is_no_array(text: bytes) -> None:
    """It is an error, not the values before it."""
    with pytest.raises(ValueError, match=r"\w"):
        json_of(text)


def units(value: Any, folder: Path, batch_size: int | None = None) -> list[Unit]:
    import asyncio

    async def read() -> list[Unit]:
        return [
            unit
            async for block in Items(value, Storage(f"file://{folder}", "f"), batch_size).blocks()
            for unit in block
        ]

    return asyncio.run(read())


def saved(folder: Path, name: str, text: bytes, media_type: str = "") -> dict[str, Any]:
    (folder / "f").mkdir(exist_ok=True)
    (folder / "f" / name).write_bytes(text)
    return {"type": "saved", "path": f"f/{name}", "bytes": len(text), "media_type": media_type}


def test_each_item_has_an_identity(tmp_path: Path) -> None:
    """It is told from the others by its place and content, the order of an object's members apart."""
    found = units([{"a": 1, "b": 2}, {"b": 2, "a": 1}], tmp_path)
    assert [unit.id.partition(".")[0] for unit in found] == ["0", "1"]
    assert len({unit.id.partition(".")[2] for unit in found}) == 1
    assert units([{"a": 1, "b": 3}], tmp_path)[0].id != found[0].id


def test_batches(tmp_path: Path) -> None:
    """The last one has what is left."""
    found = units(list(range(5)), tmp_path, 2)
    assert [(unit.number, unit.index, unit.count, unit.value) for unit in found] == [
        (0, 0, 2, [0, 1]),
        (1, 2, 2, [2, 3]),
        (2, 4, 1, [4]),
    ]


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("a.csv", b"a,b\n1,2\n3\n", "row 2 of the saved file 'f/a.csv' has not as many cells"),
        ("a.csv", b"a,b\n1,2,3\n", "row 1 of the saved file"),
        ("a.csv", b"a\n\xff\n", "is no CSV in UTF-8"),
        ("a.json", b'{"a": 1}', "is no JSON array: it does not begin with"),
        ("a.jsonl", b"{}\n{", "line 2 of the saved file"),
        ("a.pdf", b"1", "cannot tell the items of the saved file 'f/a.pdf'"),
    ],
)
def test_a_file_that_is_not_what_it_says(tmp_path: Path, name: str, text: bytes, message: str) -> None:
    """The error says which file, and where in it."""
    with pytest.raises(StepError, match=message):
        units(saved(tmp_path, name, text), tmp_path)


def test_a_files_type_is_what_it_was_saved_as(tmp_path: Path) -> None:
    """The media type says it before the name does."""
    text = b"\xef\xbb\xbfname\nx\n"
    assert units(saved(tmp_path, "a.json", text, "text/csv"), tmp_path)[0].value == {"name": "x"}


@pytest.mark.parametrize("limit", [10**6, 20, 0])
def test_outputs_come_in_any_order(limit: int) -> None:
    """They are told in the order of their places, in memory or in a file, with null where there is none."""
    outputs = Outputs(limit)
    for number in (3, 0, 2):
        outputs.place(number, 1, outputs.keep(json.dumps({"n": number})))
    outputs.place(1, 2)
    assert [json.loads(line) for line in outputs.lines(batches=False)] == [{"n": 0}, None, None, {"n": 2}, {"n": 3}]
    assert outputs.are_many is (limit < 27)
    outputs.close()


def test_many_outputs_take_little_memory() -> None:
    """What is over the limit is in a file."""
    tracemalloc.start()
    try:
        outputs = Outputs(100_000)
        for number in range(20_000):
            outputs.place(number, 1, outputs.keep('"' + "x" * 500 + '"'))
        assert sum(len(line) for line in outputs.lines(batches=False)) == 20_000 * 502
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        outputs.close()
    finally:
        tracemalloc.stop()


def test_the_progress_tells_speed_and_rest() -> None:
    """Both are measured over the last seconds; what nobody knows is null."""
    times = iter([0.0, 10.0, 20.0, 20.0])
    progress = Progress(100, clock=lambda: next(times), earlier=20, done=20)
    progress.calls, progress.done, progress.failed, progress.in_flight = 60, 60, 10, 4
    assert progress.shown() == {
        "total": 100,
        "done": 60,
        "failed": 10,
        "in_flight": 4,
        "calls_per_second": 6.0,
        "seconds_left": 6.0,
    }
    assert Progress.line(progress.shown()) == "60 of 100 items done, 10 failed, 4 in flight, 0.0 calls/s"
    progress.total = None
    assert progress.shown()["seconds_left"] is None


def test_the_series_of_a_task() -> None:
    """A clear of what has not succeeded goes on, one of what has begins anew; a key is the first it may have had."""
    store = MemoryStore()
    assert Series.load(store, 3).tries == [3]
    assert Series.load(store, 3).tries == [3]
    second = Series.load(store, 7)
    assert (second.first, second.current, second.key_of(None), second.key_of(0)) == (3, 1, 3, 7)
    assert Series.load(store, 11).key_of(0) == 7
    Series.load(store, 11).finish({"a": 1}, [])
    assert Series.load(store, 11).finished == {"output": {"a": 1}, "failed": []}
    assert (Series.load(store, 15).tries, Series.load(store, 15).finished) == ([15], None)
