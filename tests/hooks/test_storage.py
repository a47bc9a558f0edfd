"""What a workflow saves, and how it is found again: by itself alone, whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]  # it brings no types
import pytest
from airflow.sdk.io import attach

from airflow_provider_gimme.errors import ExpressionError, StepError
from airflow_provider_gimme.hooks.storage import Storage, storage_url
from airflow_provider_gimme.http.sink import SinkError
from airflow_provider_gimme.plan.saved import check_saved_path, is_saved
from tests.hooks.objects import ObjectStore

pytestmark = pytest.mark.filterwarnings("ignore:UPath 'objects' filesystem not explicitly implemented:UserWarning")
BODY = b'{"n": 1}\n\n{"n": 2}\n'


@pytest.fixture(params=["file", "objects"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Storage in a folder, and in an object store."""
    fsspec.register_implementation("objects", ObjectStore, clobber=True)
    attach("objects", fs=ObjectStore())
    yield f"file://{tmp_path}/storage" if request.param == "file" else "objects://bucket/prefix"
    ObjectStore.objects.clear()
    ObjectStore.uploads.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage" / "orders"


def local(tmp_path: Path, dag_id: str = "orders") -> Storage:
    return Storage(f"file://{tmp_path}/storage", dag_id)


def save(storage: Storage, path: str, body: bytes = BODY, **about: Any) -> dict[str, Any]:
    async def write() -> dict[str, Any]:
        writer = storage.writer(path)
        for at in range(0, len(body), 300_000):
            await writer.write(body[at : at + 300_000])
        await writer.commit()
        return writer.reference(**about)

    return asyncio.run(write())


def read(storage: Storage, reference: dict[str, Any]) -> bytes:
    with storage.open(reference) as opened:
        return opened.read()


@pytest.mark.parametrize("body", [BODY, b"", b"x" * 5_000_000])
def test_what_was_saved_is_read_again(url: str, body: bytes) -> None:
    """By its reference, which is plain data and says what it is."""
    storage = Storage(url, "orders")
    reference = save(storage, "a/b c/ü.jsonl", body, media_type="application/jsonl", items=2)
    assert reference == {
        "type": "saved",
        "path": "orders/a/b c/ü.jsonl",
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "media_type": "application/jsonl",
        "items": 2,
    }
    assert is_saved(json.loads(json.dumps(reference)))
    assert read(storage, reference) == body


def test_a_file_is_sent_under_its_own_name(url: str) -> None:
    """With its size and type; it is opened anew each time."""
    storage = Storage(url, "orders")
    file = storage.file(save(storage, "reports/may.pdf", b"%PDF", media_type="application/pdf"))
    assert (file.name, file.size, file.media_type) == ("may.pdf", 4, "application/pdf")
    for _ in range(2):
        with file.open() as opened:
            assert opened.read() == b"%PDF"


def test_lines_are_values(url: str) -> None:
    """Read one by one; a line that is not JSON is named, and not shown."""
    storage = Storage(url, "orders")
    assert list(storage.lines(save(storage, "a.jsonl"))) == [{"n": 1}, {"n": 2}]
    broken = save(storage, "b.jsonl", b'1\n{"secret":\n')
    with pytest.raises(StepError, match=r"^line 2 of the saved file 'orders/b.jsonl' is not JSON$"):
        list(storage.lines(broken))


def test_a_file_that_is_not_whole_is_not_there(url: str, tmp_path: Path) -> None:
    """An abort leaves nothing, and what was there before as it was; the writer can begin anew."""
    storage = Storage(url, "orders")
    before = save(storage, "a.bin", b"before")

    async def begin() -> None:
        writer = storage.writer("a.bin")
        await writer.write(bytes(3_000_000))
        await writer.abort()
        await writer.abort()
        assert read(storage, before) == b"before"
        await writer.write(b"after!")
        await writer.commit()

    asyncio.run(begin())
    assert read(storage, before) == b"after!"
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert files in ([], ["a.bin"])
    assert [upload.closed for upload in ObjectStore.uploads if upload.mode == "wb"] in ([], [True] * 3)


def test_the_last_whole_one_wins(url: str) -> None:
    """Two writers of one path never make a mixture."""
    storage = Storage(url, "orders")

    async def write() -> None:
        writers = {letter: storage.writer("same.bin") for letter in (b"a", b"b")}
        for _ in range(5):
            for letter, writer in writers.items():
                await writer.write(letter * 1_000_000)
        for writer in writers.values():
            await writer.commit()

    asyncio.run(write())
    reference = {"type": "saved", "path": "orders/same.bin", "bytes": 5_000_000}
    assert set(read(storage, reference)) == {ord("b")}


def test_a_file_that_was_replaced_is_told(url: str) -> None:
    """Rather than another run's file is taken for this one's."""
    storage = Storage(url, "orders")
    reference = save(storage, "a.bin", b"1234")
    save(storage, "a.bin", b"12345")
    with pytest.raises(StepError, match=r"'orders/a.bin' was replaced: it has 5 bytes, not 4\. .*run\.id"):
        storage.file(reference)


def test_a_file_that_is_gone_is_told(url: str) -> None:
    """With the way out."""
    with pytest.raises(StepError, match=r"'orders/a.bin' cannot be read: No such file or directory\. Clear the step"):
        Storage(url, "orders").open({"type": "saved", "path": "orders/a.bin"})


FORGED = [
    {"type": "saved", "path": "invoices/a.bin"},
    {"type": "saved", "path": "orders/../invoices/a.bin"},
    {"type": "saved", "path": "/etc/passwd"},
    {"type": "saved", "path": "orders//etc/passwd"},
    {"type": "saved", "path": "orders"},
    {"type": "saved", "path": "file:///etc/passwd"},
    {"type": "saved", "path": ["orders", "a.bin"]},
    {"type": "file", "path": "orders/a.bin"},
    {},
]


@pytest.mark.parametrize("reference", FORGED, ids=str)
def test_a_forged_reference_reads_nothing(url: str, reference: dict[str, Any]) -> None:
    """An API can answer anything; only what this workflow saved is read."""
    save(Storage(url, "invoices"), "a.bin")
    with pytest.raises(StepError, match="not a reference to a file that this workflow has saved"):
        Storage(url, "orders").open(reference)


REFUSED = [
    ("", "it is empty"),
    ("  ", "it is empty"),
    ("/a", "it is absolute"),
    ("s3://bucket/a", "it is absolute"),
    ("../a", "'.' and '..' do not name a file"),
    ("a/../b", "'.' and '..' do not name a file"),
    ("./a", "'.' and '..' do not name a file"),
    ("a\\b", "it has a backslash"),
    ("a\nb", "it has a control character"),
    ("a//b", "a part of it is empty"),
    ("a/", "a part of it is empty"),
    ("a/ /b", "a part of it is empty"),
    ("ü" * 101, "a part of it than 200 bytes"),
    ("a/" * 600 + "b", "it is longer than 1024 characters"),
]


@pytest.mark.parametrize("path,words", REFUSED, ids=[repr(path)[:20] for path, _ in REFUSED])
def test_a_path_that_could_lead_anywhere_is_refused(path: str, words: str) -> None:
    """The message says what is wrong with it, and what to write."""
    with pytest.raises(ExpressionError) as caught:
        check_saved_path(path)
    assert words in str(caught.value)
    assert "Write a relative one like 'reports/{{ run.id }}.pdf'." in str(caught.value)


@pytest.mark.parametrize("path", ["a", "a/b.c", "scheduled__2026-01-01T00:00:00+00:00/ü ~.pdf", "..a/b..", "a:b"])
def test_a_relative_path_is_taken(path: str, tmp_path: Path) -> None:
    """As it is written."""
    assert read(local(tmp_path), save(local(tmp_path), path)) == BODY


def test_a_link_does_not_lead_out(tmp_path: Path, folder: Path) -> None:
    """Neither for reading nor for writing; one that stays inside is followed."""
    storage = local(tmp_path)
    inside = save(storage, "a.bin")
    (tmp_path / "secret").write_text("s3cr3t")
    (folder / "out").symlink_to(tmp_path)
    (folder / "in.bin").symlink_to(folder / "a.bin")
    for act in (lambda: storage.open({"type": "saved", "path": "orders/out/secret"}), lambda: storage.writer("out/x")):
        with pytest.raises(StepError, match="leads out of the workflow's folder in the storage by a link"):
            act()
    assert read(storage, {**inside, "path": "orders/in.bin"}) == BODY


@pytest.mark.parametrize("dag_id,name", [("..", "%2E%2E"), (".", "%2E"), ("a.b", "a.b")])
def test_a_dag_has_a_folder_of_its_own(tmp_path: Path, dag_id: str, name: str) -> None:
    """Whatever its id is."""
    save(local(tmp_path, dag_id), "a.bin")
    assert (tmp_path / "storage" / name / "a.bin").exists()


def test_a_storage_that_takes_nothing_is_told(tmp_path: Path) -> None:
    """In the system's words, without the server's paths; nothing is left."""
    (tmp_path / "storage").write_text("a file")
    with pytest.raises(SinkError, match=r"^(Not a directory|File exists)$"):
        save(local(tmp_path), "a.bin")
    save(local(tmp_path / "other"), "a/b")
    with pytest.raises(SinkError, match=r"^Is a directory$"):
        save(local(tmp_path / "other"), "a")
    assert [path for path in tmp_path.rglob("*.part")] == []  # noqa: C416 - shown when it fails


def test_who_cancels_leaves_nothing(tmp_path: Path) -> None:
    """Also while a thread is at work."""

    async def write() -> None:
        writer = local(tmp_path).writer("a.bin")
        task = asyncio.ensure_future(writer.write(bytes(20_000_000)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await writer.abort()

    asyncio.run(write())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_storage_that_nothing_can_talk_to_is_told() -> None:
    """By the setting's name, with the way out; what the URL may hold is not shown."""
    with pytest.raises(StepError, match=r"^\[gimme\] storage is a URL of 'nosuch', which nothing here knows"):
        Storage("nosuch://user:s3cr3t@bucket", "orders")


def test_the_site_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in Airflow's home where it says nothing."""
    monkeypatch.setenv("AIRFLOW_HOME", "/opt/airflow")
    assert storage_url() == "file:///opt/airflow/gimme_storage"
    monkeypatch.setenv("AIRFLOW__GIMME__STORAGE", "s3://aws@bucket/gimme")
    assert storage_url() == "s3://aws@bucket/gimme"
